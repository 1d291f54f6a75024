//! EC2's shapes: names at any depth in whatever wrapping, and the rules of a security group change.

use super::plan::{Find, Inside, List, Plan, SHARED_WITH};
use crate::json::{Tree, decoded};
use std::borrow::Cow;
use std::collections::HashMap;

/// Where a value stands in the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// The list that scalars here belong to, or [`NO_LIST`].
    pub values: List,
    scope: Scope,
    /// Whether it lies in what is added to the permissions of a snapshot or an image.
    shared: bool,
}

/// Scalars belong to no list.
pub const NO_LIST: List = List::MAX;

/// What an object is searched for beside the names that count anywhere. In one byte, so that all that is known of a place in
/// a record is passed on in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scope(u8);

impl Scope {
    const ANYWHERE: Scope = Scope(0);
    /// Permissions of a snapshot or an image.
    const PERMISSION: Scope = Scope(1);

    /// The value of a member that is searched for members of its own: an index into `Plan::inside`.
    const fn object(inside: u8) -> Scope {
        Scope(inside + 2)
    }

    /// Set where the object is the first of its kind, and so the one that counts.
    const FIRST: u8 = 0x80;

    fn inside(self) -> Option<u8> {
        (self.0 & !Self::FIRST).checked_sub(2)
    }

    fn is_first(self) -> bool {
        self.0 & Self::FIRST != 0
    }
}

impl Search {
    /// At the root, or where nothing is searched.
    pub const ROOT: Search = Search { values: NO_LIST, scope: Scope::ANYWHERE, shared: false };

    /// The search in the value of a member of this (decoded) name; `opened` remembers which objects of a kind have been seen.
    #[inline]
    pub fn member(&mut self, plan: &Plan, name: &[u8], hash: u64, opened: &mut u32) -> Search {
        let found = plan.find(hash, name);
        if found == Some(Find::Wrapper) {
            return if self.scope.is_first() { Search { scope: Scope::ANYWHERE, ..*self } } else { *self };
        }
        let below = Search { shared: self.shared, ..Search::ROOT };
        if self.scope != Scope::ANYWHERE || self.shared {
            self.open(plan, opened);
            if let Some(inside) = self.within(plan, name) {
                return inside;
            }
        }
        match found {
            Some(Find::Values(list)) => Search { values: list, ..below },
            Some(Find::Object(inside)) => Search { scope: Scope::object(inside), ..below },
            Some(Find::Permission) => Search { scope: Scope::PERMISSION, ..below },
            Some(Find::Wrapper) | None => below,
        }
    }

    /// The search in a member that counts because of what it lies in.
    fn within(self, plan: &Plan, name: &[u8]) -> Option<Search> {
        if self.scope == Scope::PERMISSION && same(name, "add") {
            return Some(Search { shared: true, ..Search::ROOT });
        }
        let inside = self.scope.inside();
        let found = inside.and_then(|inside| inside_member(&plan.inside[usize::from(inside)], name));
        let is_shared = || self.shared && SHARED_NAMES.iter().any(|known| same(name, known));
        let list = found.or_else(|| is_shared().then_some(SHARED_WITH))?;
        Some(Search { values: list, shared: self.shared, ..Search::ROOT })
    }

    /// Where only the first object of a kind counts: whether this is it. An object is known by a member that wraps nothing.
    fn open(&mut self, plan: &Plan, opened: &mut u32) {
        if let Some(inside) = self.scope.inside()
            && plan.inside[usize::from(inside)].first_only
            && !self.scope.is_first()
        {
            let is_first = *opened >> inside & 1 == 0;
            *opened |= 1 << inside;
            self.scope = if is_first { Scope(self.scope.0 | Scope::FIRST) } else { Scope::ANYWHERE };
        }
    }
}

/// Names of members that only wrap what they hold.
pub const WRAPPERS: [&str; 4] = ["items", "item", "content", "value"];

fn is_wrapper(name: &[u8]) -> bool {
    WRAPPERS.iter().any(|wrapper| same(name, wrapper))
}

const SHARED_NAMES: [&str; 4] = ["userId", "group", "organizationArn", "organizationalUnitArn"];

/// Equal but for a capital at the beginning.
fn same(name: &[u8], known: &str) -> bool {
    let known = known.as_bytes();
    name.len() == known.len() && !name.is_empty() && name[0].eq_ignore_ascii_case(&known[0]) && name[1..] == known[1..]
}

fn inside_member(inside: &Inside, name: &[u8]) -> Option<List> {
    inside.members.iter().find(|(member, _)| same(name, member)).map(|(_, list)| *list)
}

const RULE_EVENTS: [&str; 5] = [
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RevokeSecurityGroupEgress",
    "ModifySecurityGroupRules",
];

/// Bytes of a rule at the most. A rule is some 30 bytes; a record that repeats a long protocol for many targets would
/// otherwise multiply to gigabytes. What is left out stands in request_parameters.
const MAX_RULE: usize = 512;
/// Bytes of all rules of a record at the most, roughly.
const MAX_RULES: usize = 4 << 20;

/// Whether a call of this name changes security group rules.
pub fn changes_rules(event_name: &[u8]) -> bool {
    RULE_EVENTS.iter().any(|known| known.as_bytes() == event_name)
}

/// The rules in request parameters, one for each rule and target: `<protocol> <from>-<to> <target>`. Tell if names are `repeated` in
/// it: of those the last counts.
pub fn ip_rules(request_parameters: &str, repeated: bool) -> Vec<String> {
    let mut rules = Vec::new();
    if let Ok(mut tree) = Tree::parse(request_parameters) {
        if repeated {
            keep_last(&mut tree);
        }
        collect_rules(&tree, &mut rules);
    }
    rules
}

/// A rule is an object, anywhere in the request, in which a target stands: in itself (the flat form, security group rules)
/// or in a list of targets (ipPermissions).
fn collect_rules(tree: &Tree<'_>, rules: &mut Vec<String>) {
    if let Tree::Array(elements) = tree {
        elements.iter().for_each(|element| collect_rules(element, rules));
    }
    for (name, value) in members(tree) {
        match targets(&name, value) {
            Some(targets) if targets.is_empty() => {}
            Some(targets) => {
                let range = range(tree);
                for target in targets {
                    let held: usize = rules.last().map_or(0, String::len) * rules.len();
                    if held > MAX_RULES {
                        return;
                    }
                    if range.len() + target.len() <= MAX_RULE {
                        rules.push(format!("{range} {target}"));
                    }
                }
            }
            None => collect_rules(value, rules),
        }
    }
}

/// The targets that a member of a rule names, if it is one that does.
fn targets<'a>(name: &[u8], value: &Tree<'a>) -> Option<Vec<Cow<'a, str>>> {
    let is = |known: &[&str]| known.iter().any(|known| same(name, known));
    let mut targets = Vec::new();
    if is(&["cidrIp", "cidrIpv4", "cidrIpv6", "prefixListId", "referencedGroupId"]) {
        each_scalar(value, &mut |text| targets.push(text));
        return Some(targets);
    }
    let (of_groups, of_ranges) =
        (is(&["groups", "userIdGroupPairs"]), is(&["ipRanges", "ipv6Ranges", "prefixListIds"]));
    if !of_groups && !of_ranges {
        return None;
    }
    let mut entries = Vec::new();
    collect_objects(value, &mut entries);
    for entry in entries {
        if of_groups {
            let group_name = || Some(format!("group:{}", first_scalar(entry, "groupName")?).into());
            targets.extend(first_scalar(entry, "groupId").or_else(group_name));
            continue;
        }
        for (name, value) in members(entry) {
            if ["cidrIp", "cidrIpv6", "prefixListId"].iter().any(|known| same(&name, known)) {
                each_scalar(value, &mut |text| targets.push(text));
            }
        }
    }
    Some(targets)
}

fn range(rule: &Tree<'_>) -> String {
    let or = |name, default: &'static str| {
        first_scalar(rule, name).filter(|text| text != "-1").unwrap_or(Cow::Borrowed(default))
    };
    format!("{} {}-{}", or("ipProtocol", "all"), or("fromPort", "*"), or("toPort", "*"))
}

/// Leaves of members of one name the last.
fn keep_last(tree: &mut Tree<'_>) {
    match tree {
        Tree::Array(elements) => elements.iter_mut().for_each(keep_last),
        Tree::Object(members) => {
            let last: HashMap<_, _> = (0..).zip(&*members).map(|(index, (name, _))| (decoded(name), index)).collect();
            let mut index = 0..;
            members.retain(|(name, _)| last.get(&decoded(name)).copied() == index.next());
            members.iter_mut().for_each(|(_, value)| keep_last(value));
        }
        _ => {}
    }
}

/// Members in order with their names decoded.
fn members<'t, 'a>(tree: &'t Tree<'a>) -> impl Iterator<Item = (Cow<'a, [u8]>, &'t Tree<'a>)> {
    let members = if let Tree::Object(members) = tree { members.as_slice() } else { &[] };
    members.iter().map(|(name, value)| (decoded(name), value))
}

/// The objects reached through arrays and wrapping members, the value itself among them.
fn collect_objects<'t, 'a>(tree: &'t Tree<'a>, objects: &mut Vec<&'t Tree<'a>>) {
    match tree {
        Tree::Array(elements) => elements.iter().for_each(|element| collect_objects(element, objects)),
        Tree::Object(_) => {
            objects.push(tree);
            let wrapped = members(tree).filter(|(name, _)| is_wrapper(name));
            wrapped.for_each(|(_, value)| collect_objects(value, objects));
        }
        _ => {}
    }
}

/// The first scalar of the first member of this name, or of the name with a capital, that has one.
fn first_scalar<'a>(tree: &Tree<'a>, name: &str) -> Option<Cow<'a, str>> {
    members(tree).filter(|(key, _)| same(key, name)).find_map(|(_, value)| {
        let mut first = None;
        each_scalar(value, &mut |text| _ = first.get_or_insert(text));
        first
    })
}

/// The scalars of a value in whatever wrapping, empty ones left out.
fn each_scalar<'a>(tree: &Tree<'a>, each: &mut impl FnMut(Cow<'a, str>)) {
    match tree {
        Tree::Array(elements) => elements.iter().for_each(|element| each_scalar(element, each)),
        Tree::Object(_) => {
            let wrapped = members(tree).filter(|(name, _)| is_wrapper(name));
            wrapped.for_each(|(_, value)| each_scalar(value, each));
        }
        other => other.scalar().filter(|text| !text.is_empty()).into_iter().for_each(each),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_every_form() {
        let cases: &[(&str, &[&str])] = &[
            (
                r#"{"groupId":"sg-0a","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0","description":"x"},{"cidrIp":"10.0.0.0/8"}]},"ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]},"prefixListIds":{"items":[{"prefixListId":"pl-1"}]}}]}}"#,
                &["tcp 22-22 0.0.0.0/0", "tcp 22-22 10.0.0.0/8", "tcp 22-22 ::/0", "tcp 22-22 pl-1"],
            ),
            (
                r#"{"groupId":"sg-0a","ipPermissions":{"items":[{"ipProtocol":"-1","groups":{"items":[{"groupId":"sg-0a1b2c3d","userId":"1"},{"groupName":"web"}]},"ipRanges":{}}]}}"#,
                &["all *-* sg-0a1b2c3d", "all *-* group:web"],
            ),
            (
                r#"{"groupName":"web","ipPermissions":{},"cidrIp":"0.0.0.0/0","ipProtocol":"tcp","fromPort":3389,"toPort":3389}"#,
                &["tcp 3389-3389 0.0.0.0/0"],
            ),
            (
                r#"{"groupId":"sg-1","ipPermissions":{},"cidrIpv6":"::/0","ipProtocol":"icmpv6","fromPort":-1,"toPort":-1}"#,
                &["icmpv6 *-* ::/0"],
            ),
            (
                r#"{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1","SecurityGroupRule":{"tag":1,"SecurityGroupRuleId":"sgr-1","SecurityGroupRule":{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"CidrIpv4":"0.0.0.0/0"}}}}"#,
                &["tcp 443-443 0.0.0.0/0"],
            ),
            (
                r#"{"ModifySecurityGroupRulesRequest":{"SecurityGroupRule":[{"SecurityGroupRule":{"IpProtocol":"udp","FromPort":53,"ToPort":53,"ReferencedGroupId":"sg-2"}},{"SecurityGroupRule":{"IpProtocol":"udp","FromPort":53,"ToPort":53,"PrefixListId":"pl-2"}}]}}"#,
                &["udp 53-53 sg-2", "udp 53-53 pl-2"],
            ),
            (
                r#"{"IpPermissions":[{"IpProtocol":"tcp","FromPort":80,"ToPort":81,"IpRanges":{"CidrIp":"1.2.3.4/32"},"UserIdGroupPairs":[{"GroupId":"sg-3"}]}]}"#,
                &["tcp 80-81 1.2.3.4/32", "tcp 80-81 sg-3"],
            ),
            (r#"{"groupId":"sg-1","securityGroupRuleIds":{"items":[{"securityGroupRuleId":"sgr-1"}]}}"#, &[]),
            ("\"null\"", &[]),
        ];
        for (parameters, rules) in cases {
            assert_eq!(ip_rules(parameters, false), *rules, "{parameters}");
        }
    }
}
