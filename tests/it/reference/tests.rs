//! The oracle against cases written out by hand, and real records.

use super::time::wire_time;
use super::*;
use std::path::{Path, PathBuf};

/// Members of a record that has an eventTime too, then the columns that are looked at, one a
/// line; the next record after an empty line.
const EXPECTED: &str = r#"
"eventName":"a\/b","eventID":null,"event\u0054ype":1.0,"userAgent":["x"],"errorCode":[null],"what":{"a":[1, 2]},"no":null
event_name=a/b
event_id=NULL
event_type=1.0
user_agent=x
error_code=NULL
unmapped={"event\u0054ype":1.0,"userAgent":["x"],"errorCode":[null],"what":{"a":[1,2]}}
outcome=success

"eventName":"\ud800","readOnly":"True","managementEvent":false,"sessionCredentialFromConsole":true,"userIdentity.type":"x"
event_name=NULL
read_only=true
management_event=false
session_credential_from_console=true
user_type=NULL
unmapped={"eventName":"\ud800","readOnly":"True","sessionCredentialFromConsole":true,"userIdentity.type":"x"}

"eventID":"a","event\u0049D":"b","userIdentity":{"arn":"x"},"userIdentity":{"type":"B"},"requestParameters": {"a":"arn:1","b":"arn:2", "a":"arn:3"}
event_id=b
user_type=B
user_arn=NULL
request_parameters={"a":"arn:1","b":"arn:2","a":"arn:3"}
any_arns=arn:2 | arn:3
unmapped=NULL

"userIdentity":{},"tlsDetails":"x"
unmapped={"userIdentity":{},"tlsDetails":"x"}

"userIdentity":{"type":"T","sessionContext":{},"onBehalfOf":{"q":null},"z":null},"tlsDetails":{}
user_type=T
unmapped={"userIdentity":{"onBehalfOf":{"q":null}},"tlsDetails":{}}

"userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"false","creationDate":"2024-01-01 01:00:00.5+01"},"sessionIssuer":{"x":{}}}}
session_creation_date=1704067200500
session_mfa_authenticated=false
unmapped={"userIdentity":{"sessionContext":{"attributes":{"creationDate":"2024-01-01 01:00:00.5+01"},"sessionIssuer":{"x":{}}}}}

"userIdentity":{"sessionContext":{"attributes":{}}},"errorCode":"Client.UnauthorizedOperation"
unmapped={"userIdentity":{"sessionContext":{"attributes":{}}}}
outcome=denied

"errorCode":"","errorMessage":"x"
outcome=failure

"errorCode":"Client.DryRunOperation"
outcome=dry_run

"responseElements":{"ConsoleLogin":"Failure","credentials":{"accessKeyId":""},"accessKey":{"accessKeyId":"ASIAEXAMPLEKEY000001"}}
outcome=failure
issued_access_key_id=ASIAEXAMPLEKEY000001
any_access_key_ids=ASIAEXAMPLEKEY000001

"resources":[{"ARN":"","arn":"arn:a","type":1},7,{"ARNPrefix":"p","accountId":"1"}],"serviceEventDetails":["i-01234567","-01234567","a-b-c-d-0123456789abcdef0","i-0123456A"]
resource_arns=arn:a | NULL | p
resource_types=1 | NULL | NULL
resource_account_ids=NULL | NULL | 1
any_resource_ids=i-01234567 | a-b-c-d-0123456789abcdef0

"resources":[]
resource_arns=
any_arns=NULL

"eventSource":"s3.amazonaws.com","requestParameters":{"bucketName":["b"],"X-Amz-Acl":"","x-amz-acl":"private","x-amz-server-side-encryption":"AES256"},"responseElements":{"X-AMZ-Version-Id":"v"},"additionalEventData":{"bytesTransferredIn":"7.00","bytesTransferredOut":1e3,"objectSize":-1},"resources":[{"type":"AWS::S3::Object"},{"type":"AWS::S3::Bucket","accountId":"1"}]
s3_acl=private
s3_bucket_name=b
s3_bucket_owner_account_id=1
s3_bytes_in=7
s3_bytes_out=NULL
s3_object_size=-1
s3_object_version_id=v
s3_sse=AES256

"eventSource":"sqs.amazonaws.com","requestParameters":{"key":"k","instanceId":"i"}
s3_object_key=NULL
ec2_instance_ids=NULL

"eventSource":"ec2.amazonaws.com","responseElements":{"groupId":"sg-1","availabilityZone":""},"requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":""}]},"InstanceId":{"content":"i-2","tag":1},"x":[{"instanceId":["i-1",{"value":3}]}],"groupId":{"item":{"groupId":"sg-2"},"other":"sg-3"},"zone":"z"}
ec2_instance_ids=i-1 | i-2 | 3
ec2_security_group_ids=sg-1 | sg-2
ec2_availability_zone=z

"eventSource":"ec2.amazonaws.com","responseElements":{"items":[{"currentState":{"code":64,"name":"stopping"},"previousState":{"name":"on"}}]},"requestParameters":{"iamInstanceProfile":"","b":{"iamInstanceProfile":[{"name":"","arn":"a"},{"name":"n"}]},"createVolumePermission":{"remove":{"items":[{"userId":"9"}]},"add":{"items":[{"userId":"1"},{"group":"all"}]}}}
ec2_state=stopping
ec2_previous_state=on
ec2_iam_instance_profile=a
ec2_shared_with=1 | all

"eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"groupId":"sg-0","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0","description":"x"}]},"ipv6Ranges":{"items":{"cidrIpv6":"::/0"}}},{"ipProtocol":"-1","groups":{"items":[{"groupId":"sg-0a1b2c3d","userId":"1"},{"groupName":"web"}]},"prefixListIds":{"items":[{"prefixListId":"pl-1"}]}}]}}
ec2_ip_rules=tcp 22-22 0.0.0.0/0 | tcp 22-22 ::/0 | all *-* sg-0a1b2c3d | all *-* group:web | all *-* pl-1

"eventSource":"ec2.amazonaws.com","eventName":"RevokeSecurityGroupEgress","requestParameters":{"groupId":"sg-0","cidrIp":"10.0.0.0/8","ipProtocol":"icmp","fromPort":8,"toPort":-1,"ipPermissions":{}}
ec2_ip_rules=icmp 8-* 10.0.0.0/8

"eventSource":"ec2.amazonaws.com","eventName":"ModifySecurityGroupRules","requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-0","SecurityGroupRule":{"SecurityGroupRuleId":"sgr-1","SecurityGroupRule":{"IpProtocol":"tcp","FromPort":80,"ToPort":81,"CidrIpv4":"1.2.3.4/32","ReferencedGroupId":"sg-9"}}}}
ec2_ip_rules=tcp 80-81 1.2.3.4/32 | tcp 80-81 sg-9

"eventSource":"ec2.amazonaws.com","eventName":"CreateSecurityGroup","requestParameters":{"cidrIp":"10.0.0.0/8"}
ec2_ip_rules=NULL
"#;

fn record(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"eventTime":"2024-02-29T00:00:00Z"{comma}{members}}}"#)
}

fn shown(cell: Option<&Cell>) -> String {
    match cell {
        None => "NULL".to_string(),
        Some(Cell::Text(text) | Cell::Json(text)) => text.clone(),
        Some(Cell::Bool(b)) => b.to_string(),
        Some(Cell::Int(n) | Cell::Time(n)) => n.to_string(),
        Some(Cell::List(list)) => {
            let texts: Vec<_> = list.iter().map(|t| t.as_deref().unwrap_or("NULL")).collect();
            texts.join(" | ")
        }
    }
}

#[test]
fn rows() {
    for case in EXPECTED.trim().split("\n\n") {
        let (members, columns) = case.split_once('\n').unwrap();
        let row = row(&record(members), None).unwrap();
        assert!(same(&restore(&row), &record(members)), "{members}");
        for line in columns.lines() {
            let (column, expected) = line.split_once('=').unwrap();
            assert_eq!(shown(row.get(column)), expected, "{column} of {members}");
        }
    }
}

#[test]
fn times() {
    let pairs = [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-02-29 12:30:15.123999+0530", 1_709_190_015_123),
        ("0000-01-01T00:00:00z", -62_167_219_200_000),
        ("9999-12-31t23:59:59.9-01", 253_402_304_399_900),
    ];
    for (text, ms) in pairs {
        assert_eq!(millis(text), Some(ms));
    }
    #[rustfmt::skip]
    let bad = [
        "", "2024-01-01", "2023-02-29T00:00:00Z", "2024-00-01T00:00:00", "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00Zx",
        "2024-01-01T00:00:00+1", "2024-01-01T00:00:00+01:0", "2024-01-01T00:00:0é",
    ];
    for text in bad {
        assert_eq!(millis(text), None, "{text}");
    }
    for seconds in [0, -1, 951_782_400, -62_167_219_200, 253_402_300_799, 1_709_210_415] {
        assert_eq!(millis(&wire_time(seconds * 1000)), Some(seconds * 1000));
    }
}

#[test]
fn rejections() {
    let deep = "[".repeat(129);
    let cases = [
        ("[]", "not_an_object"),
        ("{} x", "invalid_json"),
        ("{\"a\":", "truncated"),
        (&deep, "too_deep"),
        (r#"{"eventCategory":"Aggregated","eventId":"1"}"#, "aggregated_event"),
        (&record(r#""eventSource":"aws:s3""#), "not_cloudtrail"),
        (r#"{"eventTime":null,"x":1}"#, "not_cloudtrail"),
        (r#"{"eventName":"x"}"#, "missing_event_time"),
        (r#"{"eventTime":1704067200}"#, "invalid_event_time"),
        (r#"{"eventTime":"2100-01-01T00:00:00Z"}"#, "time_out_of_range"),
    ];
    for (text, code) in cases {
        assert_eq!(row(text, None), Err(code), "{text}");
    }
}

#[test]
fn envelopes() {
    let time = Some("2024-01-01T00:00:00Z".to_string());
    let account = Some("111122223333".to_string());
    let envelope = Envelope { time, account, ..Envelope::default() };
    let row = |text: &str| row(text, Some(&envelope));
    assert_eq!(row(r#"{"eventTime":"","eventID":"x"}"#), Err("invalid_event_time"));
    let row = row(r#"{"eventID":"x"}"#).unwrap();
    assert_eq!(row["event_time"], Cell::Time(1_704_067_200_000));
    assert_eq!(restore(&row), r#"{"eventID":"x"}"#);
    assert_eq!(partition(&row, Some(&envelope)).account_id, "111122223333");
}

#[test]
fn partitions() {
    let cases = [
        ("", "management 2024-02-29 unknown unknown"),
        (r#""managementEvent":"false""#, "data 2024-02-29 unknown unknown"),
        (r#""eventCategory":"NetworkActivity","awsRegion":"eu-1""#, "network 2024-02-29 unknown eu-1"),
        (r#""eventCategory":"x","awsRegion":"../..""#, "other 2024-02-29 unknown unknown"),
        (r#""userIdentity":{"accountId":"111122223333"}"#, "management 2024-02-29 111122223333 unknown"),
    ];
    for (members, expected) in cases {
        let p = partition(&row(&record(members), None).unwrap(), None);
        let found = format!("{} {} {} {}", p.category, p.event_date, p.account_id, p.region);
        assert_eq!(found, expected);
    }
}

#[test]
fn sameness() {
    let cases = [
        (r#"{"a":1,"b":null,"c":{"d":null}}"#, r#"{ "c":{},"\u0061":1}"#, true),
        (r#"{"userIdentity":{"x":{},"y":{"z":null}}}"#, r#"{"userIdentity":{}}"#, true),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
        (r#"{"a":"\ud83d\ude00\/"}"#, r#"{"a":"😀/"}"#, true),
        (r#"{"a":1.0}"#, r#"{"a":1}"#, false),
        (r#"{"x":{}}"#, "{}", false),
        (r#"{"a":[null]}"#, r#"{"a":[]}"#, false),
        (r#"{"userIdentity":{}}"#, "{}", false),
        (r#"{"userIdentity":{"x":{"y":{}}}}"#, r#"{"userIdentity":{}}"#, false),
        (r#"{"a":"\ud800"}"#, r#"{"a":"\ud801"}"#, false),
    ];
    for (a, b, expected) in cases {
        assert_eq!(same(a, b), expected, "{a} {b}");
    }
    assert!(!equal(r#"{"a":null}"#, "{}") && equal(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#));
}

/// The real records belong to others and are not in this repository.
#[test]
fn real_records_come_back() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let named = std::env::var_os("TRAILSINK_SHARED_DATA").map(PathBuf::from);
    let folder = named.unwrap_or(beside).join("cloudtrail");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: there is no {}; TRAILSINK_SHARED_DATA can name another", folder.display());
        return;
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let paths = files.map(|file| file.unwrap().path());
    for path in paths.filter(|p| p.extension().is_some_and(|e| e == "ndjson")) {
        for (i, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            match row(line, None) {
                Ok(row) => {
                    assert!(same(&restore(&row), line), "{}:{}", path.display(), i + 1);
                    row.keys().for_each(|column| *counts.entry(column).or_default() += 1);
                }
                Err(code) => *counts.entry(code).or_default() += 1,
            }
        }
    }
    println!("{counts:#?}");
    assert!(counts["event_time"] > 2100 && counts["missing_event_time"] == 103);
}
