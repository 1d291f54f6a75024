//! The table of columns compiled for one pass: a trie of member paths, and the names searched at any depth.

use super::ec2::WRAPPERS;
use super::names::{Names, Token, capital, name_hash};
use crate::columns::{COLUMNS, Kind, Pattern, Service, Source, index_of};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Index of a column.
pub type ColumnId = u8;
/// A place for a value that a column copies, until the record has been read: one for each alternative.
pub type Slot = u8;
/// A list of values of a record while it is read.
pub type List = u8;
/// Index of a trie node.
pub type NodeId = u16;

/// No node: nothing below is named by any path.
pub const NO_NODE: NodeId = NodeId::MAX;

/// The names under a path.
#[derive(Debug, Default)]
pub struct Node {
    /// They, in the order of the table of columns, which is about that in which they come.
    pub children: Vec<Child>,
    /// Number of the first of them among those of all nodes, one more than there are being counted for each node.
    pub first: usize,
    /// The hashes of the names lead to the children.
    names: Names,
}

impl Node {
    /// The child of a name whose hash this is, if `is` says so of one.
    #[inline(always)]
    pub fn find(&self, hash: u64, mut is: impl FnMut(&Child) -> bool) -> Option<usize> {
        self.names.find(hash, |index| is(&self.children[index]))
    }
}

/// What a member named by the trie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// A member that a column of text stands for.
    Text(ColumnId),
    /// A member that a column of bool stands for, and whether its wire form is a string.
    Bool(ColumnId, bool),
    /// A member that a column of time stands for.
    Time(ColumnId),
    /// The time of the event.
    EventTime,
    /// A member kept whole in a json column.
    Json(ColumnId, Whole),
    /// An object whose members columns stand for.
    Known(NodeId),
    /// Below a json column: a text that a column copies.
    Copy(Slot),
    /// Below a json column: a number that a column copies.
    CopyInt(Slot),
    /// Below a json column: an object with such values in it.
    Inner(NodeId),
}

/// What is done below a member that is kept whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// What is named below the node is copied.
    pub node: NodeId,
    /// Resource ids are collected.
    pub resource_ids: bool,
    /// EC2's names are searched.
    pub searched: bool,
    /// It lists the resources.
    pub entries: bool,
}

/// One name under a node.
#[derive(Debug)]
pub struct Child {
    /// `"name":`, as records mostly spell it.
    pub token: Token,
    /// The name.
    pub name: &'static str,
    /// Whether ASCII letter case is ignored (HTTP headers).
    pub any_case: bool,
    /// What to do with its value.
    pub goal: Goal,
    /// At the top: whether it stands in nearly every record and in nothing else that is sent here.
    of_cloudtrail: bool,
}

impl Whole {
    fn of(path: &str) -> Whole {
        Whole {
            node: NO_NODE,
            resource_ids: RESOURCE_ID_ROOTS.contains(&path),
            searched: SEARCHED_ROOTS.contains(&path),
            entries: path == "resources",
        }
    }
}

impl Child {
    /// Whether a decoded name is this child's.
    #[inline]
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.as_bytes() == name || (self.any_case && self.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// What a searched name begins (see [`crate::extract::ec2`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// Nothing: it only wraps what it holds.
    Wrapper,
    /// Its scalars belong to this list.
    Values(List),
    /// Its object is searched for members: index into `Plan::inside`.
    Object(u8),
    /// Permissions of a snapshot or an image.
    Permission,
}

/// An object searched for certain members.
#[derive(Debug)]
pub struct Inside {
    /// Member names and the lists that their values go to.
    pub members: Vec<(&'static str, List)>,
    /// Whether only the first such object counts.
    pub first_only: bool,
}

/// How a column is put together.
#[derive(Debug)]
pub enum How {
    /// The first slot that is set and not "" (the last as it is).
    First(usize, Vec<Slot>),
    /// The values of a list, each once, those that begin with a prefix.
    Values(usize, List, &'static str),
    /// The first value of the first list that has one.
    FirstOf(usize, Vec<List>),
    /// The n-th value of each entry of resources.
    Entries(usize, usize),
}

/// The compiled table.
#[derive(Debug)]
pub struct Plan {
    /// Trie nodes; the first is the record.
    pub nodes: Vec<Node>,
    /// How many slots there are.
    pub slots: usize,
    /// How many lists there are.
    pub lists: usize,
    /// How columns are put together of slots and lists when the record has been read.
    pub assemblies: Vec<How>,
    /// Of each slot the assemblies, as bits, that ask for it.
    pub asked_of_slots: Vec<u64>,
    /// Of each list the assemblies, as bits, that ask for it.
    pub asked_of_lists: Vec<u64>,
    /// Assemblies, as bits, that ask for entries of resources.
    pub asked_of_entries: u64,
    /// Assemblies, as bits, for every service, for S3 alone, for EC2 alone.
    pub assemblies_of: [u64; 3],
    /// Children of the record, as bits, that nearly every record has and nothing else that is sent here.
    pub of_cloudtrail: u64,
    /// Names searched at any depth of request and response, as sent and with a capital.
    finds: Vec<(Vec<u8>, Find)>,
    find_names: Names,
    /// The names searched while the plan is made.
    found: HashMap<Vec<u8>, Find>,
    /// Objects searched for members.
    pub inside: Vec<Inside>,
    /// The node of one entry of resources.
    pub entry: NodeId,
    /// For each value taken of an entry its alternatives.
    pub entry_slots: Vec<Vec<Slot>>,
    /// responseElements.ConsoleLogin.
    pub console_login: Slot,
}

/// Paths of the json columns below which resource ids are collected.
const RESOURCE_ID_ROOTS: [&str; 3] = ["requestParameters", "responseElements", "serviceEventDetails"];

/// Paths of the json columns below which EC2's names are searched.
const SEARCHED_ROOTS: [&str; 2] = ["requestParameters", "responseElements"];

/// Names at the top of nearly every record and of nothing else that is sent here.
const CLOUDTRAIL_MEMBERS: [&str; 8] = [
    "eventVersion",
    "eventTime",
    "eventName",
    "eventSource",
    "eventID",
    "userIdentity",
    "eventType",
    "requestParameters",
];

/// List of ARNs.
pub const ARNS: List = 0;
/// List of resource ids.
pub const RESOURCE_IDS: List = 1;
/// List of access key ids.
pub const ACCESS_KEY_IDS: List = 2;
/// List of those a snapshot or an image was shared with.
pub const SHARED_WITH: List = 3;
/// List of security group rules.
pub const IP_RULES: List = 4;

/// The plan of [`COLUMNS`].
pub static PLAN: LazyLock<Plan> = LazyLock::new(Plan::compile);

impl Plan {
    fn compile() -> Plan {
        let mut plan = Plan {
            nodes: vec![Node::default()],
            slots: 0,
            lists: usize::from(IP_RULES) + 1,
            assemblies: Vec::new(),
            asked_of_slots: Vec::new(),
            asked_of_lists: Vec::new(),
            asked_of_entries: 0,
            assemblies_of: [0; 3],
            of_cloudtrail: 0,
            finds: Vec::new(),
            find_names: Names::default(),
            found: HashMap::new(),
            inside: Vec::new(),
            entry: 0,
            entry_slots: Vec::new(),
            console_login: 0,
        };
        for (index, column) in COLUMNS.iter().enumerate() {
            if let Some(path) = column.member() {
                let id = index as ColumnId;
                let goal = match column.kind {
                    Kind::Json => Goal::Json(id, Whole::of(path)),
                    Kind::Bool => Goal::Bool(id, matches!(column.source, Source::MemberQuoted(_))),
                    Kind::Timestamp if path == "eventTime" => Goal::EventTime,
                    Kind::Timestamp => Goal::Time(id),
                    _ => Goal::Text(id),
                };
                plan.insert(0, path, goal);
            }
        }
        plan.entry = plan.node();
        // After the members: a copied path leads through the json column above it.
        for (index, column) in COLUMNS.iter().enumerate() {
            plan.derive(index, column.kind, column.source);
        }
        plan.console_login = plan.slot();
        plan.insert(0, "responseElements.ConsoleLogin", Goal::Copy(plan.console_login));
        plan.found.insert(b"createVolumePermission".to_vec(), Find::Permission);
        plan.found.insert(b"launchPermission".to_vec(), Find::Permission);
        for wrapper in WRAPPERS {
            plan.found.insert(wrapper.as_bytes().to_vec(), Find::Wrapper);
        }
        plan.capitalize_finds();
        plan.number_children();
        plan.ask();
        plan
    }

    fn number_children(&mut self) {
        let mut first = 0;
        for node in &mut self.nodes {
            node.first = first;
            first += node.children.len() + 1;
            let hash = |child: &Child| name_hash(child.name.as_bytes());
            node.names = Names::new(node.children.iter().map(hash).collect());
        }
        let top = (0..).zip(&self.nodes[0].children);
        self.of_cloudtrail = top.filter(|(_, child)| child.of_cloudtrail).fold(0, |bits, (index, _)| bits | 1 << index);
    }

    /// Writes down which assemblies ask for what.
    fn ask(&mut self) {
        self.asked_of_slots = vec![0; self.slots];
        self.asked_of_lists = vec![0; self.lists];
        for (index, how) in self.assemblies.iter().enumerate() {
            let bit = 1 << index;
            let column = match how {
                How::First(column, slots) => {
                    slots.iter().for_each(|slot| self.asked_of_slots[usize::from(*slot)] |= bit);
                    column
                }
                How::Values(column, list, _) => {
                    self.asked_of_lists[usize::from(*list)] |= bit;
                    column
                }
                How::FirstOf(column, lists) => {
                    lists.iter().for_each(|list| self.asked_of_lists[usize::from(*list)] |= bit);
                    column
                }
                How::Entries(column, _) => {
                    self.asked_of_entries |= bit;
                    column
                }
            };
            for (of, only) in self.assemblies_of.iter_mut().zip([None, Some(Service::S3), Some(Service::Ec2)]) {
                if COLUMNS[*column].only.is_none() || COLUMNS[*column].only == only {
                    *of |= bit;
                }
            }
        }
    }

    fn derive(&mut self, index: usize, kind: Kind, source: Source) {
        match source {
            Source::First(paths) => {
                let slots = paths.iter().map(|path| self.copy(0, path, kind)).collect();
                self.assemblies.push(How::First(index, slots));
            }
            Source::Entries(names) => {
                let entry = self.entry;
                let slots = names.iter().map(|name| self.copy(entry, name, kind)).collect();
                self.assemblies.push(How::Entries(index, self.entry_slots.len()));
                self.entry_slots.push(slots);
            }
            Source::Everywhere(pattern) => {
                let list = match pattern {
                    Pattern::Arn => ARNS,
                    Pattern::ResourceId => RESOURCE_IDS,
                    Pattern::AccessKeyId => ACCESS_KEY_IDS,
                };
                self.assemblies.push(How::Values(index, list, ""));
            }
            Source::Every(names, prefix) => {
                let list = self.list();
                for name in names {
                    self.found.insert(name.as_bytes().to_vec(), Find::Values(list));
                }
                self.assemblies.push(How::Values(index, list, prefix));
            }
            Source::Find(names) => {
                let lists = names.iter().map(|name| {
                    let list = self.list();
                    self.found.insert(name.as_bytes().to_vec(), Find::Values(list));
                    list
                });
                let lists = lists.collect();
                self.assemblies.push(How::FirstOf(index, lists));
            }
            Source::FindIn(names, members) => {
                let members: Vec<(&str, List)> = members.iter().map(|member| (*member, self.list())).collect();
                let lists = members.iter().map(|(_, list)| *list).collect();
                for name in names {
                    self.found.insert(name.as_bytes().to_vec(), Find::Object(self.inside.len() as u8));
                }
                self.inside.push(Inside { first_only: members.len() > 1, members });
                self.assemblies.push(How::FirstOf(index, lists));
            }
            Source::IpRules => self.assemblies.push(How::Values(index, IP_RULES, "")),
            Source::SharedWith => self.assemblies.push(How::Values(index, SHARED_WITH, "")),
            Source::Member(_) | Source::MemberQuoted(_) | Source::BucketOwner | Source::Outcome => {}
            Source::Bridge(_) | Source::LogFile | Source::Unmapped => {}
        }
    }

    /// The slot that a column is taken from first.
    ///
    /// # Panics
    /// If it is not taken from any: names are literals in this program, so tests see it first.
    pub fn first_slot(&self, name: &str) -> Slot {
        let column = index_of(name);
        let slot = self.assemblies.iter().find_map(|how| match how {
            How::First(of, slots) if *of == column => slots.first().copied(),
            _ => None,
        });
        match slot {
            Some(slot) => slot,
            None => panic!("{name} is taken from no member"),
        }
    }

    fn slot(&mut self) -> Slot {
        self.slots += 1;
        (self.slots - 1) as Slot
    }

    fn list(&mut self) -> List {
        self.lists += 1;
        (self.lists - 1) as List
    }

    fn node(&mut self) -> NodeId {
        self.nodes.push(Node::default());
        (self.nodes.len() - 1) as NodeId
    }

    fn copy(&mut self, from: NodeId, path: &'static str, kind: Kind) -> Slot {
        let slot = self.slot();
        self.insert(from, path, if kind == Kind::BigInt { Goal::CopyInt(slot) } else { Goal::Copy(slot) });
        slot
    }

    fn insert(&mut self, from: NodeId, path: &'static str, goal: Goal) {
        let mut node = from;
        let mut rest = path;
        while let Some((name, below)) = rest.split_once('.') {
            node = self.step(node, name, matches!(goal, Goal::Copy(_) | Goal::CopyInt(_)));
            rest = below;
        }
        self.child(node, rest, goal);
    }

    /// The node below `name`, made if it is not there.
    fn step(&mut self, node: NodeId, name: &'static str, copy: bool) -> NodeId {
        let found = self.nodes[usize::from(node)].children.iter().position(|child| child.name == name);
        let goal = found.map(|i| self.nodes[usize::from(node)].children[i].goal);
        match (goal, found) {
            (Some(Goal::Known(below) | Goal::Inner(below)), _) => below,
            (Some(Goal::Json(_, whole)), _) if whole.node != NO_NODE => whole.node,
            (Some(Goal::Json(column, whole)), Some(i)) => {
                let below = self.node();
                self.nodes[usize::from(node)].children[i].goal = Goal::Json(column, Whole { node: below, ..whole });
                below
            }
            _ => {
                let below = self.node();
                self.child(node, name, if copy { Goal::Inner(below) } else { Goal::Known(below) });
                below
            }
        }
    }

    fn child(&mut self, node: NodeId, name: &'static str, goal: Goal) {
        let of_cloudtrail = node == 0 && CLOUDTRAIL_MEMBERS.contains(&name);
        let any_case = name.starts_with("x-amz-");
        let child = Child { token: Token::new(name), name, any_case, goal, of_cloudtrail };
        self.nodes[usize::from(node)].children.push(child);
    }

    /// The newer APIs of EC2 spell the same names with a capital.
    fn capitalize_finds(&mut self) {
        let found = std::mem::take(&mut self.found);
        self.finds = found.into_iter().flat_map(|(name, find)| [(capital(&name), find), (name, find)]).collect();
        self.finds.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.find_names = Names::new(self.finds.iter().map(|(name, _)| name_hash(name)).collect());
    }

    /// What a name that is searched begins.
    #[inline(always)]
    pub fn find(&self, hash: u64, name: &[u8]) -> Option<Find> {
        self.find_names.find(hash, |index| self.finds[index].0 == name).map(|index| self.finds[index].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::staged::SLOTS;

    #[test]
    fn fits_the_sets_that_hold_it() {
        assert!(PLAN.slots <= SLOTS, "slots are a set of 64 bits: {}", PLAN.slots);
        assert!(PLAN.assemblies.len() <= 64, "assemblies are a set of 64 bits: {}", PLAN.assemblies.len());
        assert!(PLAN.finds.len() <= 255, "names searched are numbered by a byte: {}", PLAN.finds.len());
        assert!(PLAN.lists <= 64, "lists are a set of 64 bits: {}", PLAN.lists);
        assert!(PLAN.nodes.iter().all(|node| node.children.len() <= 64), "seen children are a set of 64 bits");
    }

    #[test]
    fn every_column_is_reached() {
        let mut reached = vec![false; COLUMNS.len()];
        for child in PLAN.nodes.iter().flat_map(|node| &node.children) {
            match child.goal {
                Goal::Text(column) | Goal::Bool(column, _) | Goal::Time(column) | Goal::Json(column, _) => {
                    reached[usize::from(column)] = true;
                }
                Goal::EventTime => reached[index_of("event_time")] = true,
                Goal::Known(_) | Goal::Copy(_) | Goal::CopyInt(_) | Goal::Inner(_) => {}
            }
        }
        for how in &PLAN.assemblies {
            let (How::First(column, _) | How::Values(column, ..) | How::FirstOf(column, _) | How::Entries(column, _)) =
                how;
            reached[*column] = true;
        }
        for (column, reached) in COLUMNS.iter().zip(reached) {
            let elsewhere = matches!(
                column.source,
                Source::Outcome | Source::BucketOwner | Source::Bridge(_) | Source::LogFile | Source::Unmapped
            );
            assert_ne!(reached, elsewhere, "{}", column.name);
        }
    }
}
