//! The columns of EC2.

use super::json::{Kind, Member, Value};
use super::{Row, put_list, put_text, text_of};

/// "every `instanceId`, `imageId` ..."
#[rustfmt::skip]
const EC2_LISTS: &[(&str, &[&str])] = &[
    ("ec2_instance_ids", &["instanceId"]),
    ("ec2_image_ids", &["imageId"]),
    ("ec2_volume_ids", &["volumeId"]),
    ("ec2_snapshot_ids", &["snapshotId"]),
    ("ec2_network_interface_ids", &["networkInterfaceId"]),
    ("ec2_subnet_ids", &["subnetId"]),
    ("ec2_vpc_ids", &["vpcId"]),
    ("ec2_security_group_ids", &["groupId"]),
    ("ec2_private_ip_addresses", &["privateIpAddress"]),
    ("ec2_public_ip_addresses", &["publicIp", "publicIpAddress"]),
];

/// "the first `instanceType` ...", the last three of them two names deep.
#[rustfmt::skip]
const EC2_FIRSTS: &[(&str, &[&[&str]])] = &[
    ("ec2_instance_type", &[&["instanceType"]]),
    ("ec2_key_name", &[&["keyName"]]),
    ("ec2_availability_zone", &[&["availabilityZone"]]),
    ("ec2_state", &[&["currentState", "instanceState"], &["name"]]),
    ("ec2_previous_state", &[&["previousState"], &["name"]]),
];

/// "all ec2_ columns only where eventSource is ec2 or ebs `.amazonaws.com`". ""Every `x`" and "the
/// first `x`" look in requestParameters and responseElements, at any depth".
pub(super) fn ec2(record: &Value, row: &mut Row) {
    if !["ec2.amazonaws.com", "ebs.amazonaws.com"].contains(&text_of(row, "event_source")) {
        return;
    }
    let is_part = |m: &&Member| m.is("requestParameters") || m.is("responseElements");
    let parts: Vec<&Value> = record.members().iter().filter(is_part).map(|m| &m.value).collect();
    let every = |steps: &[&[&str]]| {
        let mut out = Vec::new();
        parts.iter().for_each(|part| search(part, 0, steps, &mut out));
        out.retain(|text| !text.is_empty());
        out
    };
    for (column, names) in EC2_LISTS {
        let mut list = every(&[names]);
        // "every `groupId` that begins with `sg-`"
        list.retain(|id| *column != "ec2_security_group_ids" || id.starts_with("sg-"));
        put_list(row, column, list);
    }
    for (column, steps) in EC2_FIRSTS {
        put_text(row, column, every(steps).into_iter().next());
    }
    if !row.contains_key("ec2_availability_zone") {
        put_text(row, "ec2_availability_zone", every(&[&["zone"]]).into_iter().next());
    }
    let profile = parts.iter().find_map(|part| first_profile(part, false));
    let named = |name: &str| first_scalar(profile?, name);
    put_text(row, "ec2_iam_instance_profile", named("name").or(named("arn")));

    let mut rules = Vec::new();
    if changes_rules(text_of(row, "event_name")) {
        let request = record.at(&["requestParameters"]);
        request.iter().for_each(|request| ip_rules(request, &mut rules));
    }
    put_list(row, "ec2_ip_rules", rules);

    let (mut added, mut shared) = (Vec::new(), Vec::new());
    parts.iter().for_each(|part| permissions_added(part, false, &mut added));
    let names: &[&str] = &["userId", "group", "organizationArn", "organizationalUnitArn"];
    added.iter().for_each(|part| search(part, 0, &[names], &mut shared));
    put_list(row, "ec2_shared_with", shared);
}

/// "whatever wraps it: `items`, `item`, an object where a list is expected, an array (walked
/// element by element), `{"content":..}` or `{"value":..}` around the scalar"
const WRAPPERS: &[&str] = &["items", "item", "content", "value"];

/// The scalars at the end of a chain of names (`currentState` then `name`). `done` is how many
/// names of the chain the value at hand stands under; arrays and wrappers keep that, any other
/// member is looked up by its own name.
fn search(value: &Value, done: usize, steps: &[&[&str]], out: &mut Vec<String>) {
    match &value.kind {
        Kind::Array(items) => items.iter().for_each(|item| search(item, done, steps, out)),
        Kind::Object(members) => {
            for m in members {
                let done = if done < steps.len() && m.is_one_of(steps[done]) {
                    done + 1
                } else if done > 0 && m.is_one_of(WRAPPERS) {
                    done
                } else {
                    usize::from(m.is_one_of(steps[0]))
                };
                search(&m.value, done, steps, out);
            }
        }
        _ if done == steps.len() => out.extend(value.text()),
        _ => {}
    }
}

/// The scalars and objects reached through arrays and wrappers alone.
fn reached<'v, 'a>(value: &'v Value<'a>, out: &mut Vec<&'v Value<'a>>) {
    if let Kind::Array(items) = &value.kind {
        return items.iter().for_each(|item| reached(item, out));
    }
    out.push(value);
    let wrappers = value.members().iter().filter(|m| m.is_one_of(WRAPPERS));
    wrappers.for_each(|m| reached(&m.value, out));
}

fn scalars(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    reached(value, &mut out);
    out.iter().filter_map(|v| v.text()).filter(|text| !text.is_empty()).collect()
}

/// The first scalar, not empty, in the member with this name.
fn first_scalar(object: &Value, name: &str) -> Option<String> {
    let members = object.members().iter().filter(|m| m.is_either(name));
    members.flat_map(|m| scalars(&m.value)).next()
}

/// "of the first `iamInstanceProfile` object", whatever wraps it: an object is one by a member that wraps nothing.
fn first_profile<'v, 'a>(value: &'v Value<'a>, named: bool) -> Option<&'v Value<'a>> {
    match &value.kind {
        Kind::Array(items) => items.iter().find_map(|item| first_profile(item, named)),
        Kind::Object(members) if named => {
            members.iter().find_map(|m| if m.is_one_of(WRAPPERS) { first_profile(&m.value, true) } else { Some(value) })
        }
        _ => {
            let inner = |m: &'v Member<'a>| first_profile(&m.value, m.is_either("iamInstanceProfile"));
            value.members().iter().find_map(inner)
        }
    }
}

/// What stands under "createVolumePermission.add or launchPermission.add".
fn permissions_added<'v, 'a>(value: &'v Value<'a>, within: bool, out: &mut Vec<&'v Value<'a>>) {
    if let Kind::Array(items) = &value.kind {
        items.iter().for_each(|item| permissions_added(item, within, out));
    }
    for m in value.members() {
        let permission = m.is_one_of(&["createVolumePermission", "launchPermission"]);
        if within && m.is_either("add") {
            out.push(&m.value);
        } else {
            permissions_added(&m.value, permission || within && m.is_one_of(WRAPPERS), out);
        }
    }
}

/// "for Authorize/RevokeSecurityGroupIngress/Egress and ModifySecurityGroupRules"
fn changes_rules(event_name: &str) -> bool {
    let verb = event_name.strip_prefix("Authorize").or(event_name.strip_prefix("Revoke"));
    matches!(verb, Some("SecurityGroupIngress" | "SecurityGroupEgress")) || event_name == "ModifySecurityGroupRules"
}

/// "one entry per rule and target, `<protocol> <from>-<to> <target>`". A rule is an object,
/// anywhere in the request, in which a target stands: in itself (the flat form, security group
/// rules) or in a list of targets (ipPermissions).
fn ip_rules(value: &Value, out: &mut Vec<String>) {
    if let Kind::Array(items) = &value.kind {
        items.iter().for_each(|item| ip_rules(item, out));
    }
    for m in value.members() {
        match targets(m) {
            Some(targets) => {
                let rule = protocol_and_ports(value);
                out.extend(targets.iter().map(|target| format!("{rule} {target}")));
            }
            None => ip_rules(&m.value, out),
        }
    }
}

/// "a port that is absent or -1 is `*`, protocol `-1` or absent is `all`"
fn protocol_and_ports(rule: &Value) -> String {
    let or = |name: &str, default: &str| match first_scalar(rule, name) {
        Some(text) if text != "-1" => text,
        _ => default.to_string(),
    };
    format!("{} {}-{}", or("ipProtocol", "all"), or("fromPort", "*"), or("toPort", "*"))
}

/// "target is a CIDR (v4 or v6), a group id (else `group:<name>`) or a prefix list id"
fn targets(m: &Member) -> Option<Vec<String>> {
    let own = ["cidrIp", "cidrIpv4", "cidrIpv6", "prefixListId", "referencedGroupId"];
    if m.is_one_of(&own) {
        return Some(scalars(&m.value));
    }
    let mut entries = Vec::new();
    reached(&m.value, &mut entries);
    if m.is_one_of(&["groups", "userIdGroupPairs"]) {
        let name = |e: &Value| Some(format!("group:{}", first_scalar(e, "groupName")?));
        let group = |e: &&Value| first_scalar(e, "groupId").or(name(e));
        return Some(entries.iter().filter_map(group).collect());
    }
    let members = entries.iter().flat_map(|e| e.members());
    let listed = members.filter(|t| t.is_one_of(&["cidrIp", "cidrIpv6", "prefixListId"]));
    let is_list = m.is_one_of(&["ipRanges", "ipv6Ranges", "prefixListIds"]);
    is_list.then(|| listed.flat_map(|t| scalars(&t.value)).collect())
}
