//! The table of columns compiled for one pass: a trie of member paths, and the names searched at any depth.

use crate::columns::{COLUMNS, Kind, Pattern, Service, Source, index_of};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A place for one value of a record while it is read. A column has one, or one for each alternative.
pub type Slot = u8;
/// A list of values of a record while it is read.
pub type List = u8;
/// Index of a trie node.
pub type NodeId = u16;

/// No node: nothing below is named by any path.
pub const NO_NODE: NodeId = NodeId::MAX;

/// What a member named by the trie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// A member that a column of text stands for.
    Text(Slot),
    /// A member that a column of another kind stands for.
    Wire(Slot),
    /// An object whose members columns stand for.
    Known(NodeId),
    /// A member kept whole in a json column; what is named below the node is copied on the way.
    Raw(Slot, NodeId),
    /// Below a json column: a value that a column copies.
    Copy(Slot),
    /// Below a json column: an object with such values in it.
    Inner(NodeId),
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
    /// What is special about it.
    pub traits: Traits,
}

/// What is special about a member at the top of a record; all false elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traits {
    /// It stands in nearly every record and in nothing else that is sent here.
    pub of_cloudtrail: bool,
    /// It is the time of the event.
    pub event_time: bool,
    /// It lists the resources.
    pub resources: bool,
    /// Resource ids are collected below it.
    pub resource_ids: bool,
    /// EC2's names are searched below it.
    pub searched: bool,
}

/// `"name":` in 32 bytes, to be compared with text in four words at once, without a call.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    words: [u64; 4],
    masks: [u64; 4],
    /// Bytes of it.
    pub length: usize,
}

impl Token {
    fn new(name: &str) -> Token {
        let text = format!("\"{name}\":");
        let mut bytes = [0; 32];
        let mut mask = [0; 32];
        let length = text.len().min(32);
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        mask[..length].fill(0xff);
        Token { words: words(&bytes), masks: words(&mask), length: text.len() }
    }

    /// Whether a text begins with it; false where it is longer than 32 bytes or fewer are left of the text: then the name
    /// is read as any other.
    #[inline]
    pub fn begins(&self, text: &[u8]) -> bool {
        let Some(chunk) = text.first_chunk::<32>().filter(|_| self.length <= 32) else { return false };
        let there = words(chunk);
        let differs = |i: usize| (there[i] ^ self.words[i]) & self.masks[i];
        differs(0) | differs(1) | differs(2) | differs(3) == 0
    }
}

#[inline]
fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let (chunks, _) = bytes.as_chunks::<8>();
    [0, 1, 2, 3].map(|i| u64::from_le_bytes(chunks[i]))
}

impl Child {
    /// Whether a decoded name is this child's.
    #[inline]
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.as_bytes() == name || (self.any_case && self.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// What a slot holds.
#[derive(Debug, Clone, Copy)]
pub struct SlotInfo {
    /// Index of the column.
    pub column: usize,
    /// Kind of the value.
    pub kind: Kind,
    /// Bool whose wire form is a string.
    pub quoted: bool,
    /// Whether the slot alone decides the column.
    pub wire: bool,
}

/// What a searched name begins (see [`crate::extract::ec2`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
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

/// How a column is put together from slots and lists when the record has been read, and what has to be there for it.
#[derive(Debug)]
pub struct Assembly {
    /// How.
    pub how: How,
    /// Services that it is for: all, or one.
    pub only: Option<Service>,
    /// Slots, as bits, one of which has to be set.
    pub slots: u128,
    /// Lists, as bits, one of which has to have values.
    pub lists: u64,
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
    pub nodes: Vec<Vec<Child>>,
    /// Index of the first child of each node in a numbering of all children.
    pub first_child: Vec<usize>,
    /// Of each node the hashes of its children's names.
    pub hashes: Vec<Vec<u64>>,
    /// Slots.
    pub slots: Vec<SlotInfo>,
    /// How many lists there are.
    pub lists: usize,
    /// Columns made of slots and lists.
    pub assemblies: Vec<Assembly>,
    /// Slots, as bits, that alone decide a column, but for the time of the event.
    pub wires: u128,
    /// Names searched at any depth of request and response, as sent and with a capital, by their hashes, which are in order.
    pub finds: Vec<(u64, Vec<u8>, Find)>,
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
    /// eventSource.
    pub event_source: Slot,
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
            nodes: vec![Vec::new()],
            first_child: Vec::new(),
            hashes: Vec::new(),
            slots: Vec::new(),
            lists: usize::from(IP_RULES) + 1,
            assemblies: Vec::new(),
            wires: 0,
            finds: Vec::new(),
            found: HashMap::new(),
            inside: Vec::new(),
            entry: 0,
            entry_slots: Vec::new(),
            console_login: 0,
            event_source: 0,
        };
        for (index, column) in COLUMNS.iter().enumerate() {
            if let Some(path) = column.member() {
                let quoted = matches!(column.source, Source::MemberQuoted(_));
                let slot = plan.slot(SlotInfo { column: index, kind: column.kind, quoted, wire: true });
                let goal = match column.kind {
                    Kind::Json => Goal::Raw(slot, NO_NODE),
                    Kind::Text => Goal::Text(slot),
                    _ => Goal::Wire(slot),
                };
                plan.insert(0, path, goal);
            }
        }
        plan.event_source = plan.wire_slot("event_source");
        let event_time = plan.wire_slot("event_time");
        plan.wires = (0..plan.slots.len()).fold(0, |bits, slot| bits | 1 << slot) & !(1 << event_time);
        plan.entry = plan.node();
        // After the members: a copied path leads through the json column above it.
        for (index, column) in COLUMNS.iter().enumerate() {
            plan.derive(index, column.kind, column.source);
        }
        let copied = SlotInfo { column: usize::MAX, kind: Kind::Text, quoted: false, wire: false };
        plan.console_login = plan.slot(copied);
        plan.insert(0, "responseElements.ConsoleLogin", Goal::Copy(plan.console_login));
        plan.found.insert(b"createVolumePermission".to_vec(), Find::Permission);
        plan.found.insert(b"launchPermission".to_vec(), Find::Permission);
        plan.capitalize_finds();
        let mut first = 0;
        for node in &plan.nodes {
            plan.first_child.push(first);
            plan.hashes.push(node.iter().map(|child| name_hash(child.name.as_bytes())).collect());
            first += node.len() + 1;
        }
        plan
    }

    fn derive(&mut self, index: usize, kind: Kind, source: Source) {
        let copied = SlotInfo { column: index, kind, quoted: false, wire: false };
        match source {
            Source::First(paths) => {
                let slots = paths.iter().map(|path| self.copy(0, path, copied)).collect();
                self.assemble(How::First(index, slots));
            }
            Source::Entries(names) => {
                let entry = self.entry;
                let slots = names.iter().map(|name| self.copy(entry, name, copied)).collect();
                self.assemble(How::Entries(index, self.entry_slots.len()));
                self.entry_slots.push(slots);
            }
            Source::Everywhere(pattern) => {
                let list = match pattern {
                    Pattern::Arn => ARNS,
                    Pattern::ResourceId => RESOURCE_IDS,
                    Pattern::AccessKeyId => ACCESS_KEY_IDS,
                };
                self.assemble(How::Values(index, list, ""));
            }
            Source::Every(names, prefix) => {
                let list = self.list();
                for name in names {
                    self.found.insert(name.as_bytes().to_vec(), Find::Values(list));
                }
                self.assemble(How::Values(index, list, prefix));
            }
            Source::Find(names) => {
                let lists = names.iter().map(|name| {
                    let list = self.list();
                    self.found.insert(name.as_bytes().to_vec(), Find::Values(list));
                    list
                });
                let lists = lists.collect();
                self.assemble(How::FirstOf(index, lists));
            }
            Source::FindIn(names, members) => {
                let members: Vec<(&str, List)> = members.iter().map(|member| (*member, self.list())).collect();
                let lists = members.iter().map(|(_, list)| *list).collect();
                for name in names {
                    self.found.insert(name.as_bytes().to_vec(), Find::Object(self.inside.len() as u8));
                }
                self.inside.push(Inside { first_only: members.len() > 1, members });
                self.assemble(How::FirstOf(index, lists));
            }
            Source::IpRules => self.assemble(How::Values(index, IP_RULES, "")),
            Source::SharedWith => self.assemble(How::Values(index, SHARED_WITH, "")),
            Source::Member(_) | Source::MemberQuoted(_) | Source::BucketOwner | Source::Outcome => {}
            Source::Bridge(_) | Source::LogFile | Source::Unmapped => {}
        }
    }

    fn assemble(&mut self, how: How) {
        let bit = |list: &List| 1_u64 << *list;
        let (column, slots, lists) = match &how {
            How::First(column, slots) => (*column, slots.iter().fold(0, |bits, slot| bits | 1_u128 << *slot), 0),
            How::Values(column, list, _) => (*column, 0, bit(list)),
            How::FirstOf(column, lists) => (*column, 0, lists.iter().fold(0, |bits, list| bits | bit(list))),
            // Asked for whenever there are entries.
            How::Entries(column, _) => (*column, u128::MAX, u64::MAX),
        };
        self.assemblies.push(Assembly { how, only: COLUMNS[column].only, slots, lists });
    }

    /// The slot of a column that stands for a member.
    ///
    /// # Panics
    /// If there is none: names are literals in this program, so tests see it first.
    pub fn wire_slot(&self, name: &str) -> Slot {
        let column = index_of(name);
        let slot = self.slots.iter().position(|info| info.wire && info.column == column);
        match slot {
            Some(slot) => slot as Slot,
            None => panic!("{name} stands for no member"),
        }
    }

    /// The slot that a column is taken from first.
    ///
    /// # Panics
    /// If it is not taken from any: names are literals in this program, so tests see it first.
    pub fn first_slot(&self, name: &str) -> Slot {
        let column = index_of(name);
        let slot = self.assemblies.iter().find_map(|assembly| match &assembly.how {
            How::First(of, slots) if *of == column => slots.first().copied(),
            _ => None,
        });
        match slot {
            Some(slot) => slot,
            None => panic!("{name} is taken from no member"),
        }
    }

    fn slot(&mut self, info: SlotInfo) -> Slot {
        self.slots.push(info);
        (self.slots.len() - 1) as Slot
    }

    fn list(&mut self) -> List {
        self.lists += 1;
        (self.lists - 1) as List
    }

    fn node(&mut self) -> NodeId {
        self.nodes.push(Vec::new());
        (self.nodes.len() - 1) as NodeId
    }

    fn copy(&mut self, from: NodeId, path: &'static str, info: SlotInfo) -> Slot {
        let slot = self.slot(info);
        self.insert(from, path, Goal::Copy(slot));
        slot
    }

    fn insert(&mut self, from: NodeId, path: &'static str, goal: Goal) {
        let mut node = from;
        let mut rest = path;
        while let Some((name, below)) = rest.split_once('.') {
            node = self.step(node, name, matches!(goal, Goal::Copy(_)));
            rest = below;
        }
        self.child(node, rest, goal);
    }

    /// The node below `name`, made if it is not there.
    fn step(&mut self, node: NodeId, name: &'static str, copy: bool) -> NodeId {
        let found = self.nodes[usize::from(node)].iter().position(|child| child.name == name);
        let goal = found.map(|i| self.nodes[usize::from(node)][i].goal);
        match (goal, found) {
            (Some(Goal::Known(below) | Goal::Inner(below)), _) => below,
            (Some(Goal::Raw(_, below)), _) if below != NO_NODE => below,
            (Some(Goal::Raw(slot, _)), Some(i)) => {
                let below = self.node();
                self.nodes[usize::from(node)][i].goal = Goal::Raw(slot, below);
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
        let at_top = |names: &[&str]| node == 0 && names.contains(&name);
        let traits = Traits {
            of_cloudtrail: at_top(&CLOUDTRAIL_MEMBERS),
            event_time: at_top(&["eventTime"]),
            resources: at_top(&["resources"]),
            resource_ids: at_top(&RESOURCE_ID_ROOTS),
            searched: at_top(&SEARCHED_ROOTS),
        };
        let any_case = name.starts_with("x-amz-");
        self.nodes[usize::from(node)].push(Child { token: Token::new(name), name, any_case, goal, traits });
    }

    /// The newer APIs of EC2 spell the same names with a capital.
    fn capitalize_finds(&mut self) {
        let found = std::mem::take(&mut self.found);
        let both = found.into_iter().flat_map(|(name, find)| [(capital(&name), find), (name, find)]);
        let mut finds: Vec<_> = both.map(|(name, find)| (name_hash(&name), name, find)).collect();
        finds.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        finds.dedup_by(|a, b| a.1 == b.1);
        self.finds = finds;
    }

    /// What a name that is searched begins.
    pub fn find(&self, hash: u64, name: &[u8]) -> Option<Find> {
        let first = self.finds.partition_point(|find| find.0 < hash);
        let same = self.finds[first..].iter().take_while(|find| find.0 == hash);
        same.into_iter().find(|find| find.1 == name).map(|find| find.2)
    }
}

/// Equal for names that are equal but for ASCII letter case; made of length and ends of a name, so that it costs a few instructions.
#[inline]
pub fn name_hash(name: &[u8]) -> u64 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes) | LOWER_CASE;
    match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => long_hash(word(first), word(last), name.len()),
        _ => {
            let mut padded = [0; 8];
            padded[..name.len()].copy_from_slice(name);
            short_hash(u64::from_le_bytes(padded), name.len())
        }
    }
}

/// The hash of `text[start..end]`, for names in a text that goes on after them: shorter ones cost no more than longer ones.
#[inline]
pub fn name_hash_in(text: &[u8], start: usize, end: usize) -> u64 {
    let Some(first) = text.get(start..).and_then(|rest| rest.first_chunk::<8>()) else {
        return name_hash(text.get(start..end).unwrap_or_default());
    };
    let (first, length) = (u64::from_le_bytes(*first), end - start);
    match text.get(..end).and_then(|text| text.last_chunk::<8>()) {
        Some(last) if length >= 8 => long_hash(first | LOWER_CASE, u64::from_le_bytes(*last) | LOWER_CASE, length),
        _ => short_hash(first & ((1 << (8 * length as u32)) - 1), length),
    }
}

/// The bit that tells the letters of one case from those of the other.
const LOWER_CASE: u64 = 0x2020_2020_2020_2020;

#[inline]
fn long_hash(first: u64, last: u64, length: usize) -> u64 {
    first ^ last.rotate_left(23) ^ (length as u64) << 56
}

#[inline]
fn short_hash(padded: u64, length: usize) -> u64 {
    (padded | LOWER_CASE) ^ (length as u64) << 56
}

/// A name with its first letter as a capital.
pub fn capital(name: &[u8]) -> Vec<u8> {
    let mut name = name.to_vec();
    if let Some(first) = name.first_mut() {
        first.make_ascii_uppercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_the_sets_that_hold_it() {
        assert!(PLAN.slots.len() <= 128, "slots are a set of 128 bits: {}", PLAN.slots.len());
        assert!(PLAN.lists <= 64, "lists are a set of 64 bits: {}", PLAN.lists);
        assert!(PLAN.nodes.iter().all(|children| children.len() <= 64), "seen children are a set of 64 bits");
    }

    #[test]
    fn names_have_the_same_hash_wherever_they_stand() {
        let text = "abcdefghijklmnopqrstuvwxyz";
        for start in 0..text.len() {
            for end in start..=text.len() {
                let name = &text.as_bytes()[start..end];
                assert_eq!(name_hash_in(text.as_bytes(), start, end), name_hash(name));
                assert_eq!(name_hash(&capital(name)), name_hash(name));
            }
        }
    }

    #[test]
    fn every_column_is_reached() {
        let mut reached = vec![false; COLUMNS.len()];
        for slot in &PLAN.slots {
            if slot.column < COLUMNS.len() {
                reached[slot.column] = true;
            }
        }
        for assembly in &PLAN.assemblies {
            let (How::First(column, _) | How::Values(column, ..) | How::FirstOf(column, _) | How::Entries(column, _)) =
                &assembly.how;
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
