//! EC2's shapes: names at any depth in whatever wrapping, and the rules of a security group change.

use super::plan::{Find, Inside, List, PLAN, SHARED_WITH};
use crate::json::Tree;

/// Where a value stands in the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// The list that scalars here belong to.
    pub values: Option<List>,
    scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Anywhere,
    Object(u8),
    Permission,
    Shared,
}

impl Search {
    /// At the root, or where nothing is searched.
    pub const ROOT: Search = Search { values: None, scope: Scope::Anywhere };

    /// The search in the value of a member of this (decoded) name.
    pub fn member(self, name: &[u8]) -> Search {
        if is_wrapper(name) {
            return self;
        }
        let scope = if self.scope == Scope::Shared { Scope::Shared } else { Scope::Anywhere };
        let found = match self.scope {
            Scope::Object(inside) => inside_member(&PLAN.inside[usize::from(inside)], name),
            Scope::Permission if same(name, "add") => return Search { values: None, scope: Scope::Shared },
            Scope::Shared if SHARED_NAMES.iter().any(|known| same(name, known)) => Some(SHARED_WITH),
            _ => None,
        };
        if let Some(list) = found {
            return Search { values: Some(list), scope };
        }
        match PLAN.finds.get(name) {
            Some(Find::Values(list)) => Search { values: Some(*list), scope },
            Some(Find::Object(inside)) => Search { values: None, scope: Scope::Object(*inside) },
            Some(Find::Permission) => Search { values: None, scope: Scope::Permission },
            None => Search { values: None, scope },
        }
    }

    /// The search in an object that is the value here; `opened` remembers which objects of a kind have been seen.
    pub fn object(self, opened: &mut u32) -> Search {
        if let Scope::Object(inside) = self.scope
            && PLAN.inside[usize::from(inside)].first_only
        {
            if *opened >> inside & 1 == 1 {
                return Search { scope: Scope::Anywhere, ..self };
            }
            *opened |= 1 << inside;
        }
        self
    }
}

const SHARED_NAMES: [&str; 4] = ["userId", "group", "organizationArn", "organizationalUnitArn"];

/// Names of members that only wrap what they hold.
fn is_wrapper(name: &[u8]) -> bool {
    matches!(name, b"items" | b"item" | b"content" | b"value" | b"Items" | b"Item" | b"Content" | b"Value")
}

/// Equal but for a capital at the beginning.
fn same(name: &[u8], known: &str) -> bool {
    let known = known.as_bytes();
    name.len() == known.len() && name[0].eq_ignore_ascii_case(&known[0]) && name[1..] == known[1..]
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

/// Whether a call of this name changes security group rules.
pub fn changes_rules(event_name: &str) -> bool {
    RULE_EVENTS.contains(&event_name)
}

/// The rules in request parameters, one for each rule and target: `<protocol> <from>-<to> <target>`.
pub fn ip_rules(request_parameters: &str) -> Vec<String> {
    let mut rules = Vec::new();
    if let Ok(tree) = Tree::parse(request_parameters) {
        collect_rules(&tree, &mut rules);
    }
    rules
}

/// An object with a protocol, a port or a target of its own is a rule; what lies deeper may be others.
fn collect_rules(tree: &Tree<'_>, rules: &mut Vec<String>) {
    match tree {
        Tree::Array(elements) => elements.iter().for_each(|element| collect_rules(element, rules)),
        Tree::Object(members) => {
            let is_rule = ["ipProtocol", "fromPort", "toPort", "cidrIp", "cidrIpv6", "cidrIpv4"]
                .iter()
                .any(|name| member(tree, name).is_some());
            if is_rule {
                let mut targets = Vec::new();
                collect_targets(tree, &mut targets);
                let range = range(tree);
                rules.extend(targets.iter().map(|target| format!("{range} {target}")));
            }
            for (index, (name, value)) in members.iter().enumerate() {
                let shadowed = members[index + 1..].iter().any(|(later, _)| later == name);
                if !shadowed && !(is_rule && is_target_list(name.as_bytes())) {
                    collect_rules(value, rules);
                }
            }
        }
        _ => {}
    }
}

fn range(rule: &Tree<'_>) -> String {
    let text = |name| member(rule, name).and_then(|value| scalars(value).into_iter().next());
    let protocol = text("ipProtocol").filter(|protocol| protocol != "-1").unwrap_or_else(|| "all".to_owned());
    let port = |name| text(name).filter(|port| port != "-1").unwrap_or_else(|| "*".to_owned());
    format!("{protocol} {}-{}", port("fromPort"), port("toPort"))
}

fn is_target_list(name: &[u8]) -> bool {
    ["groups", "userIdGroupPairs", "ipRanges", "ipv6Ranges", "prefixListIds", "referencedGroupInfo"]
        .iter()
        .any(|known| same(name, known))
}

/// Targets in document order: CIDRs, groups (their id, else their name) and prefix lists.
fn collect_targets(tree: &Tree<'_>, targets: &mut Vec<String>) {
    let Tree::Object(members) = tree else {
        if let Tree::Array(elements) = tree {
            elements.iter().for_each(|element| collect_targets(element, targets));
        }
        return;
    };
    for (index, (name, value)) in members.iter().enumerate() {
        let bytes = name.as_bytes();
        if members[index + 1..].iter().any(|(later, _)| later == name) {
            continue;
        }
        let is = |known: &[&str]| known.iter().any(|known| same(bytes, known));
        if is(&["cidrIp", "cidrIpv4", "cidrIpv6", "prefixListId", "referencedGroupId"]) {
            targets.extend(scalars(value));
        } else if is(&["groups", "userIdGroupPairs", "referencedGroupInfo"]) {
            collect_groups(value, targets);
        } else if is_target_list(bytes) || is_wrapper(bytes) {
            collect_targets(value, targets);
        }
    }
}

fn collect_groups(tree: &Tree<'_>, targets: &mut Vec<String>) {
    match tree {
        Tree::Array(elements) => elements.iter().for_each(|element| collect_groups(element, targets)),
        Tree::Object(members) => {
            let text = |name| member(tree, name).and_then(|value| scalars(value).into_iter().next());
            if let Some(id) = text("groupId") {
                targets.push(id);
            } else if let Some(name) = text("groupName") {
                targets.push(format!("group:{name}"));
            } else {
                let wrapped = members.iter().filter(|(name, _)| is_wrapper(name.as_bytes()));
                wrapped.for_each(|(_, value)| collect_groups(value, targets));
            }
        }
        _ => {}
    }
}

/// A member by its name or the name with a capital.
fn member<'t, 'a>(tree: &'t Tree<'a>, name: &str) -> Option<&'t Tree<'a>> {
    let capital = String::from_utf8(super::plan::capital(name.as_bytes())).unwrap_or_default();
    tree.get(name).or_else(|| tree.get(&capital))
}

/// The scalars of a value in whatever wrapping, empty ones left out.
fn scalars(tree: &Tree<'_>) -> Vec<String> {
    match tree {
        Tree::Array(elements) => elements.iter().flat_map(scalars).collect(),
        Tree::Object(members) => {
            members.iter().filter(|(name, _)| is_wrapper(name.as_bytes())).flat_map(|(_, value)| scalars(value)).collect()
        }
        other => other.scalar().filter(|text| !text.is_empty()).map(|text| text.into_owned()).into_iter().collect(),
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
            (r#"{"groupId":"sg-1","ipPermissions":{},"cidrIpv6":"::/0","ipProtocol":"icmpv6","fromPort":-1,"toPort":-1}"#, &["icmpv6 *-* ::/0"]),
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
            assert_eq!(ip_rules(parameters), *rules, "{parameters}");
        }
    }
}
