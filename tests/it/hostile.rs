//! Hostile records: proptest strategies that begin with realistic events and then do to them what
//! JSON allows, what old CloudTrail versions did and what careless pipelines do. What they emit is
//! valid RFC 8259, except `broken`.

#![allow(clippy::unwrap_used, reason = "a panic fails a test")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::reference::{Envelope, Kind, MAX_DEPTH, Member, Value, compact, parse};

/// The text of one record, nested at most `DEEPEST` levels.
pub fn record() -> impl Strategy<Value = String> {
    (tree(), gaps()).prop_map(|(tree, gaps)| print(&tree, &gaps))
}

/// An EventBridge event, the text of the record in it, and what counts of the rest.
#[derive(Clone, Debug)]
pub struct Bridged {
    pub event: String,
    pub record: String,
    pub envelope: Envelope,
}

pub fn bridged() -> impl Strategy<Value = Bridged> {
    let time = prop_oneof![6 => select(GOOD_TIMES), 1 => select(BAD_TIMES)].prop_map(str::to_string);
    let envelope = (
        option::weighted(0.9, "[a-z0-9-]{0,36}|\\PC{1,8}"),
        select(DETAIL_TYPES).prop_map(|t| Some(t.to_string())),
        option::weighted(0.9, time),
        option::weighted(0.8, "[0-9]{12}|[0-9a-z./]{0,13}"),
    );
    let spelling = (any::<u64>(), any::<bool>(), any::<u16>(), gaps());
    (envelope, record(), spelling).prop_map(|(envelope, record, (seed, nulls, mask, gaps))| {
        let mut members = vec![
            (quoted("version"), scalar_of(Some("0"))),
            (quoted("resources"), Json::Array(Vec::new())),
            (quoted("detail"), Json::Scalar(record.clone())),
        ];
        let (id, detail_type, time, account) = envelope;
        let keys = ["id", "detail-type", "time", "account"];
        for (key, text) in keys.into_iter().zip([&id, &detail_type, &time, &account]) {
            if text.is_some() || nulls {
                members.push((respelled(&quoted(key), mask), scalar_of(text.as_deref())));
            }
        }
        shuffle(&mut members, seed);
        let event = print(&Json::Object(members), &gaps);
        let envelope = Envelope { id, detail_type, time, account };
        Bridged { event, record, envelope }
    })
}

/// A record cut off somewhere, or with one byte changed, added or taken away: mostly no JSON any
/// more, perhaps no UTF-8.
pub fn broken() -> impl Strategy<Value = Vec<u8>> {
    (record(), any::<Index>(), 0..4, any::<u8>()).prop_map(|(text, at, how, byte)| {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        match how {
            0 => bytes.truncate(at),
            1 => bytes[at] = byte,
            2 => bytes.insert(at, byte),
            _ => _ = bytes.remove(at),
        }
        bytes
    })
}

/// A record that is fine but for nesting deeper than is allowed.
pub fn too_deep() -> impl Strategy<Value = String> {
    let levels = (MAX_DEPTH..1000, vec(select(WRAPPINGS), 1..4));
    (tree(), levels, gaps()).prop_map(|(mut tree, (levels, wrappings), gaps)| {
        let wrappings = wrappings.into_iter().cycle().take(levels);
        let deep = wrapped(scalar_of(Some("x")), wrappings);
        tree.members().unwrap().push((quoted("deep"), deep));
        print(&tree, &gaps)
    })
}

// ---- Realistic events: members in common, one caller, one call, one ending ----------------------

const COMMON: &str = r#""eventVersion":"1.11","eventTime":"2026-10-04T09:01:05Z","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"[aws-sdk-rust/1.13]","requestID":"REQ1","eventID":"00000000-abcd-ef00-0000-000000000001","readOnly":false,"recipientAccountId":"111122223333""#;

const CALLERS: &[&str] = &[
    r#"{"type":"AssumedRole","principalId":"AROAEXAMPLEROLEID0001:etl-1","arn":"arn:aws:sts::111122223333:assumed-role/etl/etl-1","accountId":"111122223333","accessKeyId":"ASIAEXAMPLEKEY000001","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEROLEID0001","arn":"arn:aws:iam::111122223333:role/etl","accountId":"111122223333","userName":"etl"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/x","attributes":{"x:aud":"y"}},"attributes":{"creationDate":"2026-10-04T08:00:00Z","mfaAuthenticated":"false"},"sourceIdentity":"dana","ec2RoleDelivery":"2.0","assumedRoot":"true"},"inScopeOf":{"sourceArn":"arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0","issuerType":"AWS::EC2::Instance"}}"#,
    r#"{"type":"AssumedRole","sessionContext":{"sessionIssuer":{},"webIdFederationData":{},"attributes":{"mfaAuthenticated":"true","creationDate":"2026-10-04T08:00:00Z"}},"invokedBy":"autoscaling.amazonaws.com"}"#,
    r#"{"type":"IAMUser","principalId":"AIDAEXAMPLEUSERID0001","arn":"arn:aws:iam::111122223333:user/dana","accountId":"111122223333","accessKeyId":"AKIAEXAMPLEKEY000001","userName":"dana","identityProvider":"x","credentialId":"y"}"#,
    r#"{"type":"IdentityCenterUser","accountId":"111122223333","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"},"invokedByDelegate":{"accountId":"444455556666"}}"#,
    r#"{"type":"AWSAccount","principalId":"","accountId":"anonymous"}"#,
    r#"{"principalId":"x","sessionContext":{"attributes":{}}}"#,
    "{}",
];

const CALLS: &[&str] = &[
    r#""eventSource":"s3.amazonaws.com","eventName":"PutObject","requestParameters":{"bucketName":"acme-lake","Host":"acme-lake.s3.eu-west-1.amazonaws.com","key":"in/a b.csv","x-amz-storage-class":"STANDARD","x-amz-acl":"private"},"responseElements":{"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:eu-west-1:111122223333:key/1","x-amz-version-id":"v1"},"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","objectSize":4096,"bytesTransferredIn":4146,"SSEApplied":"SSE_KMS","AuthenticationMethod":"AuthHeader","httpStatusCode":200,"bytesTransferredOut":0},"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::acme-lake/in/a b.csv"},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::acme-lake"}]"#,
    r#""eventSource":"s3.amazonaws.com","eventName":"GetObject","requestParameters":{"bucketName":"acme-lake","Host":["h"],"host":"h","key":"k","versionId":"v0","X-Amz-Algorithm":"AWS4-HMAC-SHA256"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV2","AuthenticationMethod":"QueryString","bytesTransferredIn":"0","bytesTransferredOut":1462.0,"httpStatusCode":"206"},"resources":[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::acme-lake/"},{"accountId":"1","type":"AWS::S3::Bucket","arn":"arn:aws:s3:::acme-lake"}]"#,
    r#""eventSource":"s3express.amazonaws.com","eventName":"CopyObject","requestParameters":{"bucketName":"acme-lake","key":"dst","prefix":"p/","uploadId":"u1","X-Amz-Copy-Source":"acme-src/k","x-amz-server-side-encryption":"AES256","policy":"","bucketPolicy":{"Statement":{"Principal":"*"}},"delete":"","Tag":{"Key":"a","Value":true}},"responseElements":"null","additionalEventData":"{\"bytesTransferredIn\":1}""#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"RunInstances","requestParameters":{"instancesSet":{"items":[{"imageId":"ami-0123456789abcdef0","minCount":1,"keyName":"ops"}]},"instanceType":"m7g.large","subnetId":"subnet-0123456789abcdef0","groupSet":{"items":[{"groupId":"sg-01234567"}]},"blockDeviceMapping":{},"iamInstanceProfile":{"name":"web"},"userData":"<sensitiveDataRemoved>"},"responseElements":{"groupSet":{},"instancesSet":{"items":[{"instanceId":"i-0123456789abcdef0","imageId":"ami-0123456789abcdef0","instanceState":{"code":0,"name":"pending"},"placement":{"availabilityZone":"eu-west-1a"},"vpcId":"vpc-01234567","privateIpAddress":"10.0.0.9","iamInstanceProfile":{"arn":"arn:aws:iam::111122223333:instance-profile/web","id":"x"},"networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-01234567","privateIpAddressesSet":{"item":[{"privateIpAddress":"10.0.0.9","association":{"publicIp":"203.0.113.9"}}]}}]}}]}}"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"StopInstances","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-01234567"}]},"force":false},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-01234567","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}}"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"groupId":"sg-0a1b2c3d","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0","description":"oops"}]},"ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]},"prefixListIds":{}},{"ipProtocol":"-1","groups":{"items":[{"groupId":"sg-01234567","userId":"1"},{"groupName":"web"}]},"prefixListIds":{"items":[{"prefixListId":"pl-01234567"}]}}]}},"responseElements":{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-0a1b2c3d","fromPort":22,"cidrIpv4":"0.0.0.0/0"}]}}"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"RevokeSecurityGroupEgress","requestParameters":{"groupId":"sg-0a1b2c3d","ipPermissions":{},"cidrIp":"10.0.0.0/8","cidrIpv6":"fd00::/8","ipProtocol":"icmp","fromPort":8,"toPort":-1},"responseElements":{"_return":true}"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"ModifySecurityGroupRules","requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-0a1b2c3d","SecurityGroupRule":[{"SecurityGroupRuleId":"sgr-1","SecurityGroupRule":{"IpProtocol":"tcp","FromPort":80,"ToPort":81,"CidrIpv4":"0.0.0.0/0"}},{"SecurityGroupRuleId":"sgr-2","SecurityGroupRule":{"IpProtocol":"udp","ReferencedGroupId":"sg-01234567","PrefixListId":"pl-1"}}]}},"responseElements":{"ModifySecurityGroupRulesResponse":{"return":true}}"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"ModifySnapshotAttribute","requestParameters":{"snapshotId":"snap-01234567","createVolumePermission":{"add":{"items":[{"userId":"444455556666"},{"group":"all"}]},"remove":{"items":[{"userId":"9"}]}}},"responseElements":{"_return":true}"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"ModifyImageAttribute","requestParameters":{"imageId":"ami-01234567","launchPermission":{"add":{"items":[{"organizationArn":"arn:aws:organizations::1:organization/o-1"},{"organizationalUnitArn":"arn:aws:organizations::1:ou/o-1/ou-1"}]}}},"responseElements":{"_return":true}"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"CreateVolume","requestParameters":{"size":"100","zone":"eu-west-1a","snapshotId":"snap-01234567"},"responseElements":{"volumeId":"vol-01234567","createTime":1791105065000,"availabilityZone":"","publicIpAddress":"203.0.113.7"}"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"AssociateIamInstanceProfile","requestParameters":{"AssociateIamInstanceProfileRequest":{"IamInstanceProfile":{"Name":"web"},"InstanceId":{"content":"i-01234567","tag":1},"SubnetId":"","Vpc":{"VpcId":[{"value":"vpc-01234567"}]}}},"responseElements":{"X":{"xmlns":"http://x","volumeSet":{"item":{"VolumeId":"vol-01234567"}}}}"#,
    r#""eventSource":"ebs.amazonaws.com","eventName":"GetSnapshotBlock","requestParameters":{"snapshotId":"snap-01234567","blockIndex":1},"responseElements":null"#,
    r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/x","roleSessionName":"s"},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLEKEY000002","expiration":"Oct 4, 2026"}},"resources":[{"ARN":"arn:aws:iam::111122223333:role/x","accountId":"111122223333"}]"#,
    r#""eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","requestParameters":{"userName":"dana"},"responseElements":{"accessKey":{"accessKeyId":"AKIAEXAMPLEKEY000002","status":"Active"}}"#,
    r#""eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","requestParameters":null,"responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"No"}"#,
];

const ENDINGS: &[&str] = &[
    r#""eventType":"AwsApiCall","managementEvent":true,"eventCategory":"Management","sessionCredentialFromConsole":"true","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"h"}"#,
    r#""eventType":"AwsApiCall","managementEvent":false,"eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.2"},"vpcEndpointId":"vpce-01234567","vpcEndpointAccountId":"111122223333","sharedEventID":"s""#,
    r#""errorCode":"AccessDenied","errorMessage":"Access Denied","apiVersion":"2016-11-15","managementEvent":true,"tlsDetails":{}"#,
    r#""errorCode":"Client.DryRunOperation","readOnly":"true","managementEvent":"False","userAgent":["x"],"eventTime":"2026-10-04 09:01:05.000000000""#,
    r#""eventType":"AwsServiceEvent","serviceEventDetails":{"snapshotId":"snap-01234567"},"addendum":{"reason":"UPDATED_DATA"},"eventContext":{"tagContext":{}},"edgeDeviceDetails":{"x":1}"#,
    r#""eventType":"AwsCloudTrailInsight","eventCategory":"Insight","eventName":null,"insightDetails":{"state":"Start","insightContext":{"statistics":{"baseline":{"average":0.0000882145}}}}"#,
    r#""eventType":"AwsVpceEvents","eventCategory":"NetworkActivity","additionalEventData":null"#,
];

const DETAIL_TYPES: &[&str] = &[
    "AWS API Call via CloudTrail",
    "AWS Service Event via CloudTrail",
    "AWS Console Sign In via CloudTrail",
    "AWS Insight via CloudTrail",
];

// ---- What is put into them ----------------------------------------------------------------------

#[rustfmt::skip]
const GOOD_TIMES: &[&str] = &[
    "2026-10-04T09:01:05Z", "2006-01-01T00:00:00Z", "2099-12-31T23:59:59.9999Z",
    "2024-02-29t00:00:00z", "2026-10-04 09:01:05.123456789", "2026-10-04T00:30:00.5+05:30",
    "2026-10-04T23:30:00-0130", "2026-12-31T23:30:00-01",
];

#[rustfmt::skip]
const BAD_TIMES: &[&str] = &[
    "2005-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "2026-02-31T00:00:00Z", "2023-02-29T00:00:00Z",
    "2026-10-04T24:00:00Z", "2026-10-04T09:01:60Z", "2026-10-04T09:01:05.Z",
    "2026-10-04T09:01:05+1", "2026-10-04T09:01", "2026-10-04", "20261004T090105Z",
    " 2026-10-04T09:01:05Z", "...", "", "é",
];

/// JSON texts of scalars and small structures that a reader may trip over.
const VALUES: &str = r#"
    null | true | false | "" | "null" | "true" | "True" | "TRUE" | "false" | "False"
    0 | -0 | -1 | 7 | 7.0 | -1.0 | 1.50 | 1e400 | 1E+2 | -1e-7 | 0.000 | "7" | "7.0" | "-0" | "007"
    9223372036854775807 | 9223372036854775808 | -9223372036854775808.0 | "7." | "1e3"
    "\ud800" | "arn:\udc00" | "\udc00\ud800" | "\ud83d\ude00" | "\u0000\b\f\n\r\t\"\\\/" | "é😀\u00e9"
    "arn:aws:s3:::x" | "\u0061rn:aws:s3:::y" | "i-0123456789abcdef0" | "vol-01234567"
    "sg\u002d01234567" | "AKIAEXAMPLEKEY000009" | "ASIAEXAMPLEKEY00000" | "../../etc"
    "HIDDEN_DUE_TO_SECURITY_REASONS" | "{\"a\":\"arn:b\"}"
    [] | {} | [null] | [[]] | [{}] | [""] | ["a"] | [1.0] | [true] | ["a","b"] | ["\ud800"] | [["a"]]
    {"":{}} | {"a":null} | {"items":[]} | {"content":"fl-01234567","tag":1} | {"a":1,"\u0061":2}
    {"name":"a","Name":"b","name":"c"} | {"\ud800":1,"\udbff":[null]} | {"userId":"1","userId":null}
    {"omitted":true,"originalSize":110000,"reason":"requestParameters too large"}
"#;

/// Keys as JSON literals: known ones in strange spellings, strange ones, and known ones that land
/// in strange places.
const KEYS: &str = r#"
    "" | " " | "a.b" | "userIdentity.type" | "\ud800" | "\udc00x" | "é" | "\u0000" | "future\/Field"
    "event\u004eame" | "EventName" | "eventID" | "eventTime" | "userIdentity" | "sessionContext"
    "attributes" | "type" | "arn" | "accountId" | "name" | "Name" | "items" | "item" | "content"
    "Value" | "add" | "instanceId" | "InstanceId" | "groupId" | "imageId" | "subnetId" | "zone"
    "instanceType" | "publicIp" | "currentState" | "instanceState" | "iamInstanceProfile"
    "launchPermission" | "userId" | "cidrIp" | "ipProtocol" | "fromPort" | "key" | "versionId"
    "X-AMZ-ACL" | "x-amz-copy-Source" | "requestParameters" | "tlsDetails"
"#;

fn listed(texts: &'static str) -> impl Strategy<Value = String> {
    let lines = texts.trim().lines();
    let texts: Vec<_> = lines.flat_map(|line| line.trim().split(" | ")).collect();
    select(texts).prop_map(str::to_string)
}

/// Members that decide about much, with values to try: found by name anywhere, else added at the
/// top.
#[rustfmt::skip]
const DECISIVE: &[(&str, &[&str])] = &[
    ("eventTime", GOOD_TIMES),
    ("eventTime", GOOD_TIMES),
    ("eventTime", BAD_TIMES),
    ("creationDate", GOOD_TIMES),
    ("creationDate", BAD_TIMES),
    ("eventCategory", &["Management", "Data", "Insight", "NetworkActivity", "Aggregated", "data", ""]),
    ("eventType", &["AwsApiCall", "AwsAggregatedEvent", ""]),
    ("eventSource", &["s3-outposts.amazonaws.com", "s3-object-lambda.amazonaws.com", "aws:s3", "s3"]),
    ("eventSource", &["ec2.amazonaws.com", "ebs.amazonaws.com", "s3.amazonaws.com"]),
    ("eventName", &["AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress", "Ingress"]),
    ("eventName", &["ModifySecurityGroupRules"]),
    ("errorCode", &["Client.AuthFailure", "Client.UnauthorizedOperation", "NoSuchKey", ""]),
    ("recipientAccountId", &["12", "11112222333a", "١٢٣", "../../etc", ""]),
    ("awsRegion", &["us-east-1", "../../etc", "EU", "a23456789012345678901234567890123", ""]),
];

/// A level around a value: an array, or an object with this key.
const WRAPPINGS: &[&str] = &["[", "[", "items", "item", "content", "value", "Items", "Value", "other"];

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        12 => listed(VALUES).prop_map(Json::Scalar),
        1 => any::<String>().prop_map(|text| Json::Scalar(quoted(&text))),
        1 => "-?[1-9][0-9]{0,400}(\\.[0-9]{1,30})?".prop_map(Json::Scalar),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Json::Array), vec((key(), inner), 0..4).prop_map(Json::Object),]
    })
}

fn key() -> impl Strategy<Value = String> {
    let strange = any::<String>().prop_map(|text| quoted(&text));
    prop_oneof![9 => listed(KEYS), 1 => strange]
}

// ---- What is done to them -----------------------------------------------------------------------

/// Deep enough to hurt, with room for the wrappings around a record.
const DEEPEST: usize = 112;

#[derive(Clone, Debug)]
enum Json {
    /// The text of a scalar (or of anything that is printed as it is).
    Scalar(String),
    Array(Vec<Json>),
    Object(Members),
}

/// Keys as JSON literals.
type Members = Vec<(String, Json)>;

#[derive(Clone, Debug)]
enum Change {
    /// To one member, anywhere.
    Replace(Json),
    Retype(usize),
    Wrap(Vec<&'static str>),
    Respell(u16),
    Rename(String),
    Uppercase,
    /// To one object, anywhere.
    Insert(Index, String, Json),
    Repeat(Index, Option<Json>, u16),
    Remove(Index),
    Shuffle(u64),
    Pascal,
    /// To a decisive member.
    Decide(&'static str, Json),
}

fn change() -> impl Strategy<Value = Change> {
    use Change::{Insert, Pascal, Rename, Repeat, Replace, Respell, Retype, Uppercase, Wrap};
    let decide = select(DECISIVE).prop_flat_map(|(name, values)| {
        let value = select(values).prop_map(|v| scalar_of(Some(v)));
        let value = prop_oneof![4 => value, 1 => any_json()];
        value.prop_map(move |value| Change::Decide(name, value))
    });
    let insert = (any::<Index>(), key(), any_json()).prop_map(|(at, k, v)| Insert(at, k, v));
    let repeat = (any::<Index>(), option::of(any_json()), any::<u16>());
    prop_oneof![
        3 => any_json().prop_map(Replace),
        2 => (0usize..3).prop_map(Retype),
        2 => vec(select(WRAPPINGS), 1..4).prop_map(Wrap),
        1 => vec(select(WRAPPINGS), 20..100).prop_map(Wrap),
        2 => any::<u16>().prop_map(Respell),
        1 => key().prop_map(Rename),
        1 => Just(Uppercase),
        3 => insert,
        3 => repeat.prop_map(|(at, value, mask)| Repeat(at, value, mask)),
        1 => any::<Index>().prop_map(Change::Remove),
        1 => any::<u64>().prop_map(Change::Shuffle),
        1 => Just(Pascal),
        3 => decide,
    ]
}

fn tree() -> impl Strategy<Value = Json> {
    let parts = (select(CALLERS), select(CALLS), select(ENDINGS));
    (parts, vec((any::<Index>(), change()), 0..10)).prop_map(|(parts, changes)| {
        let (caller, call, ending) = parts;
        let members = format!(r#"{COMMON},"userIdentity":{caller},{call},{ending}"#);
        let mut tree = parsed(&format!("{{{members}}}"));
        for (at, change) in changes {
            let before = tree.clone();
            tree.apply(at, &change);
            if tree.depth() > DEEPEST {
                tree = before;
            }
        }
        tree
    })
}

impl Json {
    fn members(&mut self) -> Option<&mut Members> {
        match self {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    fn depth(&self) -> usize {
        match self {
            Json::Scalar(_) => 0,
            Json::Array(items) => 1 + items.iter().map(Json::depth).max().unwrap_or(0),
            Json::Object(members) => 1 + members.iter().map(|(_, v)| v.depth()).max().unwrap_or(0),
        }
    }

    /// Calls `f` for every object, outer before inner.
    fn visit(&mut self, f: &mut dyn FnMut(&mut Members)) {
        match self {
            Json::Scalar(_) => {}
            Json::Array(items) => items.iter_mut().for_each(|item| item.visit(f)),
            Json::Object(members) => {
                f(members);
                members.iter_mut().for_each(|(_, value)| value.visit(f));
            }
        }
    }

    fn apply(&mut self, at: Index, change: &Change) {
        if let Change::Decide(name, value) = change {
            let (name, mut left) = (quoted(name), Some(value.clone()));
            self.visit(&mut |members| {
                for (_, old) in members.iter_mut().filter(|(key, _)| *key == name) {
                    *old = left.take().unwrap_or(old.clone());
                }
            });
            let top = self.members().unwrap();
            top.extend(left.map(|value| (name, value)));
            return;
        }
        use Change::{Insert, Pascal, Remove, Repeat, Shuffle};
        let on_object = matches!(change, Insert(..) | Repeat(..) | Remove(_) | Shuffle(_) | Pascal);
        let (mut count, mut seen) = (0, 0);
        self.visit(&mut |members| count += if on_object { 1 } else { members.len() });
        let target = at.index(count.max(1));
        self.visit(&mut |members| {
            let size = if on_object { 1 } else { members.len() };
            if (seen..seen + size).contains(&target) {
                if on_object {
                    change_object(members, change);
                } else {
                    change_member(&mut members[target - seen], change);
                }
            }
            seen += size;
        });
    }
}

fn change_member((key, value): &mut (String, Json), change: &Change) {
    match change {
        Change::Replace(new) => *value = new.clone(),
        Change::Wrap(wrappings) => *value = wrapped(value.clone(), wrappings.iter().copied()),
        Change::Rename(new) => key.clone_from(new),
        Change::Uppercase => *key = quoted(&decoded(key).to_uppercase()),
        Change::Respell(mask) => {
            *key = respelled(key, *mask);
            if let Json::Scalar(text) = value
                && text.starts_with('"')
            {
                *text = respelled(text, !*mask);
            }
        }
        Change::Retype(how) => {
            if let Json::Scalar(text) = value {
                let bare = decoded(text);
                let is_plain = |n: &str| n.parse::<u64>().is_ok_and(|int| int.to_string() == n);
                *text = match (bare.as_str(), how) {
                    ("true", 0) => "true".to_string(),
                    ("false", 0) => "false".to_string(),
                    ("true", 1) => quoted("True"),
                    ("false", 1) => quoted("False"),
                    (n, 0) if is_plain(n) => format!("{n}.0"),
                    (n, 1) if is_plain(n) => quoted(&format!("{n}.0")),
                    _ => quoted(&bare),
                };
            }
        }
        _ => unreachable!("a change of an object"),
    }
}

fn change_object(members: &mut Members, change: &Change) {
    match change {
        Change::Insert(at, key, value) => members.insert(at.index(members.len() + 1), (key.clone(), value.clone())),
        Change::Repeat(at, value, mask) if !members.is_empty() => {
            let (mut key, old) = members[at.index(members.len())].clone();
            if mask % 2 == 1 {
                key = respelled(&key, *mask);
            }
            let place = *mask as usize % (members.len() + 1);
            members.insert(place, (key, value.clone().unwrap_or(old)));
        }
        Change::Remove(at) if !members.is_empty() => _ = members.remove(at.index(members.len())),
        Change::Shuffle(seed) => shuffle(members, *seed),
        Change::Pascal => {
            for (key, _) in members.iter_mut().filter(|(key, _)| key[1..].starts_with(char::is_lowercase)) {
                let first = key[1..].chars().next().unwrap();
                key.replace_range(1..1 + first.len_utf8(), &first.to_uppercase().to_string());
            }
        }
        _ => {}
    }
}

fn shuffle(members: &mut Members, seed: u64) {
    members.sort_by_cached_key(|(key, _)| {
        let mix = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3).rotate_left(9);
        key.bytes().fold(seed | 1, mix)
    });
}

fn wrapped(value: Json, wrappings: impl Iterator<Item = &'static str>) -> Json {
    wrappings.fold(value, |inner, wrapping| match wrapping {
        "[" => Json::Array(vec![inner]),
        "content" => {
            let tag = (quoted("tag"), Json::Scalar("1".to_string()));
            Json::Object(vec![(quoted("content"), inner), tag])
        }
        key => Json::Object(vec![(quoted(key), inner)]),
    })
}

// ---- Text ---------------------------------------------------------------------------------------

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// What a string literal says (nothing, if text cannot), or the text of another scalar.
fn decoded(literal: &str) -> String {
    if literal.starts_with('"') { serde_json::from_str(literal).unwrap_or_default() } else { literal.to_string() }
}

fn scalar_of(text: Option<&str>) -> Json {
    Json::Scalar(text.map_or("null".to_string(), quoted))
}

fn parsed(text: &str) -> Json {
    fn from(value: &Value) -> Json {
        match &value.kind {
            Kind::Array(items) => Json::Array(items.iter().map(from).collect()),
            Kind::Object(members) => {
                let member = |m: &Member| (m.spelled.to_string(), from(&m.value));
                Json::Object(members.iter().map(member).collect())
            }
            _ => Json::Scalar(value.raw.to_string()),
        }
    }
    from(&parse(&compact(text).unwrap()))
}

/// The same string literal, with those characters escaped whose bit is set in the (repeating) mask.
fn respelled(literal: &str, mask: u16) -> String {
    let mut out = String::from("\"");
    let mut chars = literal[1..literal.len() - 1].chars();
    let mut bit = 0;
    while let Some(c) = chars.next() {
        bit += 1;
        if c == '\\' {
            // An escape already; what may follow its second character are hexadecimal digits.
            out.extend([c, chars.next().unwrap()]);
        } else if mask >> (bit % 16) & 1 == 0 || c.is_ascii_hexdigit() {
            out.push(c);
        } else if c == '/' {
            out.push_str("\\/");
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let hex = format!("{unit:04x}");
                let hex = if bit % 2 == 0 { hex } else { hex.to_uppercase() };
                out += &format!("\\u{hex}");
            }
        }
    }
    out + "\""
}

/// Insignificant whitespace, to be put in turn wherever it may stand; mostly none.
fn gaps() -> impl Strategy<Value = Vec<&'static str>> {
    let gap = select(&["", "", " ", "\n", "\t", "\r\n  "][..]);
    prop_oneof![2 => Just(vec![""]), 1 => vec(gap, 1..8)]
}

fn print(json: &Json, gaps: &[&str]) -> String {
    fn walk(json: &Json, gap: &mut dyn FnMut() -> String, out: &mut String) {
        *out += &gap();
        match json {
            Json::Scalar(text) => out.push_str(text),
            Json::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    out.push(if i == 0 { '[' } else { ',' });
                    walk(item, gap, out);
                }
                *out += if items.is_empty() { "[]" } else { "]" };
            }
            Json::Object(members) => {
                for (i, (key, value)) in members.iter().enumerate() {
                    out.push(if i == 0 { '{' } else { ',' });
                    *out += &(gap() + key + &gap() + ":");
                    walk(value, gap, out);
                }
                *out += &if members.is_empty() { format!("{{{}}}", gap()) } else { "}".to_string() };
            }
        }
        *out += &gap();
    }
    let mut turn = gaps.iter().cycle().map(|gap| gap.to_string());
    let mut out = String::new();
    walk(json, &mut || turn.next().unwrap_or_default(), &mut out);
    out
}

// ---- The generator and the reference keep each other honest -------------------------------------

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use proptest::test_runner::{Config, TestRunner};

    use super::*;
    use crate::reference::{partition, restore, row, same};

    fn for_all<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
        let mut config = Config::with_cases(cases);
        config.failure_persistence = None;
        config.rng_seed = proptest::test_runner::RngSeed::Fixed(2026);
        let test = |value| {
            test(value);
            Ok(())
        };
        TestRunner::new(config).run(&strategy, test).unwrap();
    }

    #[test]
    fn records_are_valid_and_come_back() {
        for_all(1000, record(), |text| match row(&text, None) {
            Ok(row) => assert!(same(&restore(&row), &text), "{text}\n{}", restore(&row)),
            Err(code) => {
                let broken = ["invalid_json", "truncated", "too_deep"].contains(&code);
                assert!(!broken, "{code}: {text}");
            }
        });
    }

    #[test]
    fn bridged_records_come_back() {
        for_all(500, bridged(), |b| {
            compact(&b.event).unwrap();
            if let Ok(row) = row(&b.record, Some(&b.envelope)) {
                assert!(same(&restore(&row), &b.record), "{}\n{}", b.record, restore(&row));
                assert_eq!(partition(&row, Some(&b.envelope)).event_date.len(), 10);
            }
        });
    }

    #[test]
    fn broken_and_deep_records_do_no_harm() {
        for_all(200, too_deep(), |text| assert_eq!(row(&text, None), Err("too_deep")));
        for_all(200, broken(), |bytes| {
            let text = String::from_utf8(bytes);
            _ = text.map(|text| row(&text, None));
        });
    }

    /// The reference compares records by its own parser, so that one is compared with another.
    #[test]
    fn the_parser_agrees_with_serde_json() {
        fn rebuilt(value: &Value) -> serde_json::Value {
            let text = |units: &[u16]| String::from_utf16(units).unwrap();
            match &value.kind {
                Kind::Array(items) => items.iter().map(rebuilt).collect(),
                Kind::Object(members) => {
                    let member = |m: &Member| (text(&m.key), rebuilt(&m.value));
                    serde_json::Value::Object(members.iter().map(member).collect())
                }
                Kind::String(units) => text(units).into(),
                _ => serde_json::from_str(value.raw).unwrap(),
            }
        }
        let agreed = Cell::new(0);
        for_all(1000, record(), |text| {
            // Lone surrogates and 1e400 are beyond serde_json.
            if let Ok(expected) = serde_json::from_str::<serde_json::Value>(&text) {
                assert_eq!(rebuilt(&parse(&compact(&text).unwrap())), expected);
                agreed.set(agreed.get() + 1);
            }
        });
        assert!(agreed.get() > 300, "{agreed:?}");
    }

    #[test]
    fn every_column_and_code_is_reached() {
        let counts = RefCell::new(BTreeMap::new());
        let count = |name| *counts.borrow_mut().entry(name).or_insert(0) += 1;
        for_all(2000, bridged(), |b| match row(&b.record, Some(&b.envelope)) {
            Ok(row) => row.into_keys().for_each(count),
            Err(code) => count(code),
        });
        let mut counts = counts.into_inner();
        println!("{counts:#?}");
        let codes = ["aggregated_event", "not_cloudtrail", "invalid_event_time", "time_out_of_range"];
        codes.iter().for_each(|code| assert!(counts.remove(code).is_some(), "{code}"));
        counts.remove("missing_event_time"); // most events bring a time of their own
        // Every column but log_file, which no record has.
        assert_eq!(counts.len(), 105);
        assert!(counts["event_time"] > 1400, "{counts:#?}");
        assert!(counts.values().all(|n| *n > 40), "{counts:#?}");
    }
}
