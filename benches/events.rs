//! CloudTrail events for benches and load tests: made up, realistic in shape, size and repetition, and deterministic.
//!
//! Event `n` is a pure function of the seed and `n`, so any range can be made alone, in any order, on any thread. Nothing
//! is drawn from a running generator: each value is a hash of the event and of the place it stands in, so one instance id
//! is the same in the request and in the response. The kinds of events are the table [`KINDS`]; their JSON is written as
//! templates in which `@x` stands for a value: see [`Event::value`].

use std::fmt::Write;

/// What to generate.
pub struct Options {
    /// Another seed gives other events.
    pub seed: u64,
    /// The members of every object in an order of their own for each event, instead of CloudTrail's nearly fixed one.
    pub shuffle_keys: bool,
    /// An EventBridge event around each record, or the bare record.
    pub envelope: bool,
    /// Event times lie in this many days from 2026-10-01 on.
    pub days: u32,
    /// How many accounts the events spread over.
    pub accounts: u32,
    /// How many regions the events spread over.
    pub regions: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: 1, shuffle_keys: false, envelope: true, days: 3, accounts: 3, regions: 4 }
    }
}

/// Appends event number `n` as one line of JSON, without a newline.
pub fn append_event(out: &mut String, n: u64, options: &Options) {
    let hash = mix(mix(options.seed) ^ n.wrapping_mul(GOLDEN));
    let start = out.len();
    Event::new(out, hash, options).write();
    if options.shuffle_keys {
        let ordered = out.split_off(start);
        shuffle(&ordered, out, &mut mix(hash ^ GOLDEN));
    }
}

/// 2026-10-01T00:00:00Z.
const FIRST_SECOND: u64 = 1_790_812_800;
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// How many principals and buckets there are, over all accounts (with few accounts).
const PRINCIPALS: u64 = 200;
const BUCKETS: u64 = 300;

/// The finalizer of splitmix64: a bijection, so different events have different hashes.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number below `n`, k about as often as 1/(k+1): few are met all the time, most hardly ever. In whole numbers, so that
/// every machine gives the same.
fn skewed(draw: u64, n: u64) -> u64 {
    let levels = u64::from(64 - n.leading_zeros());
    let base = 1 << (draw % levels);
    (base - 1 + (draw >> 8) % base) % n
}

/// One of a few constants.
fn pick(draw: u64, of: &[&'static str]) -> &'static str {
    of[(draw % of.len() as u64) as usize]
}

/// Who may be the caller.
#[derive(Clone, Copy, PartialEq)]
enum Caller {
    /// A principal of the account: role session, user, instance, person.
    Principal,
    /// A principal, sometimes nobody that AWS knows.
    Public,
    /// An AWS service on its own behalf.
    Service,
    /// A person at the console: user, role session or root.
    Person,
    /// Another account, seen from ours.
    OtherAccount,
}

/// One kind of event. Empty text: the member is absent.
struct Kind {
    /// How many of [`total_weight`] events are of this kind.
    weight: u64,
    service: &'static str,
    name: &'static str,
    read_only: bool,
    data: bool,
    caller: Caller,
    error: (&'static str, &'static str),
    request: &'static str,
    response: &'static str,
    extra: &'static str,
    resources: &'static str,
}

const PLAIN: Kind = Kind {
    weight: 0,
    service: "",
    name: "",
    read_only: false,
    data: false,
    caller: Caller::Principal,
    error: ("", ""),
    request: "null",
    response: "null",
    extra: "",
    resources: "",
};

const S3: Kind = Kind { service: "s3", data: true, resources: OBJECT, ..PLAIN };

const EC2: Kind = Kind { service: "ec2", ..PLAIN };

const OBJECT: &str = r#"[{"accountId":"@a","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::@b"},{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::@b/@k"}]"#;
const BUCKET: &str = r#"[{"accountId":"@a","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::@b"}]"#;
const OBJECTS: &str = r#"[{"accountId":"@a","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::@b"},{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::@b/"}]"#;

const S3_READ: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","objectSize":@0,"bytesTransferredIn":0,"startTime":@m,"AuthenticationMethod":"@A","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":200,"bytesTransferredOut":@0}"#;
const S3_RANGE: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","objectSize":@0,"bytesTransferredIn":0,"startTime":@m,"AuthenticationMethod":"AuthHeader","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":206,"bytesTransferredOut":@2}"#;
const S3_WRITE: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","objectSize":@0,"bytesTransferredIn":@0,"SSEApplied":"@H","startTime":@m,"AuthenticationMethod":"AuthHeader","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":200,"bytesTransferredOut":0}"#;
const S3_OTHER: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","bytesTransferredIn":0,"startTime":@m,"AuthenticationMethod":"AuthHeader","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":200,"bytesTransferredOut":@2}"#;
const S3_DENIED: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","bytesTransferredIn":0,"startTime":@m,"AuthenticationMethod":"AuthHeader","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":403,"bytesTransferredOut":@3}"#;

const INSTANCE: &str = r#"{"instanceId":"@i","imageId":"@j","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-@-.@r.compute.internal","keyName":"@y","amiLaunchIndex":@#,"productCodes":{},"instanceType":"@Y","launchTime":@T000,"placement":{"availabilityZone":"@z","tenancy":"default"},"monitoring":{"state":"disabled"},"subnetId":"@u","vpcId":"@w","privateIpAddress":"@p","stateReason":{"code":"pending","message":"pending"},"architecture":"arm64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","blockDeviceMapping":{},"virtualizationType":"hvm","hypervisor":"xen","tagSet":{"items":[{"key":"Name","value":"@B-@#"},{"key":"team","value":"@B"}]},"clientToken":"@O","groupSet":{"items":[{"groupId":"@g","groupName":"@B-web"}]},"sourceDestCheck":true,"networkInterfaceSet":{"items":[{"networkInterfaceId":"@n","subnetId":"@u","vpcId":"@w","ownerId":"@a","status":"in-use","macAddress":"@:","privateIpAddress":"@p","privateDnsName":"ip-@-.@r.compute.internal","sourceDestCheck":true,"interfaceType":"interface","groupSet":{"items":[{"groupId":"@g","groupName":"@B-web"}]},"attachment":{"attachmentId":"eni-attach-@h","deviceIndex":0,"networkCardIndex":0,"status":"attaching","attachTime":@T000,"deleteOnTermination":true},"privateIpAddressesSet":{"item":[{"privateIpAddress":"@p","privateDnsName":"ip-@-.@r.compute.internal","primary":true}]},"ipv6AddressesSet":{},"tagSet":{}}]},"iamInstanceProfile":{"arn":"arn:aws:iam::@a:instance-profile/@B-node","id":"AIPA@I"},"ebsOptimized":false,"cpuOptions":{"coreCount":2,"threadsPerCore":1},"capacityReservationSpecification":{"capacityReservationPreference":"open"},"enclaveOptions":{"enabled":false},"metadataOptions":{"state":"pending","httpTokens":"required","httpPutResponseHopLimit":2,"httpEndpoint":"enabled","httpProtocolIpv4":"enabled","httpProtocolIpv6":"disabled","instanceMetadataTags":"disabled"},"maintenanceOptions":{"autoRecovery":"default"},"privateDnsNameOptions":{"hostnameType":"ip-name","enableResourceNameDnsARecord":false,"enableResourceNameDnsAAAARecord":false}}"#;
const RUN_REQUEST: &str = r#"{"instancesSet":{"items":[{"imageId":"@j","minCount":@7,"maxCount":@7,"keyName":"@y"}]},"instanceType":"@Y","subnetId":"@u","groupSet":{"items":[{"groupId":"@g"}]},"blockDeviceMapping":{"items":[{"deviceName":"/dev/xvda","ebs":{"volumeSize":@4,"deleteOnTermination":true,"volumeType":"gp3","encrypted":true}}]},"iamInstanceProfile":{"name":"@B-node"},"monitoring":{"enabled":false},"disableApiTermination":false,"disableApiStop":false,"clientToken":"@O","tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"Name","value":"@B-@#"},{"key":"team","value":"@B"}]}]},"userData":"<sensitiveDataRemoved>"}"#;

// Identities, open at the end: more members may follow.
const SESSION: &str = r#"{"type":"AssumedRole","principalId":"AROA@R:@N","arn":"@D","accountId":"@a","accessKeyId":"@K","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA@R","arn":"arn:aws:iam::@a:role/@o","accountId":"@a","userName":"@o"},"attributes":{"creationDate":"@C","mfaAuthenticated":"false"}"#;
const FROM_INSTANCE: &str = r#","ec2RoleDelivery":"2.0"},"inScopeOf":{"issuerType":"AWS::EC2::Instance","credentialsIssuedTo":"arn:aws:ec2:@r:@a:instance/@N"}"#;
const FROM_SOURCE: &str = r#","sourceIdentity":"@B","webIdFederationData":{}}"#;
const USER: &str =
    r#"{"type":"IAMUser","principalId":"AIDA@R","arn":"@D","accountId":"@a","accessKeyId":"AKIA@U","userName":"@N""#;
const CONSOLE_USER: &str = r#"{"type":"IAMUser","principalId":"AIDA@R","arn":"@D","accountId":"@a","userName":"@N""#;
const ROOT: &str =
    r#"{"type":"Root","principalId":"@a","arn":"arn:aws:iam::@a:root","accountId":"@a","accessKeyId":"""#;
const ANONYMOUS: &str = r#"{"type":"AWSAccount","principalId":"","accountId":"anonymous""#;
const OTHER_ACCOUNT: &str = r#"{"type":"AWSAccount","accountId":"@9","invokedBy":"ec2.amazonaws.com""#;

const PRESIGNED: &str =
    r#","X-Amz-Algorithm":"AWS4-HMAC-SHA256","X-Amz-Date":"@t","X-Amz-Expires":"900","X-Amz-SignedHeaders":"host""#;
const KMS_KEY: &str = r#""aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:@r:@a:key/@W""#;

// Text that needs every kind of escape.
const ODD_NAME: &str = r#"r\u00e9sum\u00e9s\/\"final\" \u0026 \ud83d\ude00\\signed-"#;
const ODD_AGENT: &str = r#"nightly\/2.1 (\"Caf\u00e9 \u2603\"; caf\u00e9)"#;

/// The mix: mostly reads and writes of objects, then the chatter of services and consoles, and a little of all that matters.
const KINDS: &[Kind] = &[
    Kind {
        weight: 180,
        name: "GetObject",
        read_only: true,
        caller: Caller::Public,
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"@k"@P}"#,
        extra: S3_READ,
        ..S3
    },
    Kind {
        weight: 12,
        name: "GetObject",
        read_only: true,
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"@k","versionId":"@V"}"#,
        response: "null",
        extra: S3_RANGE,
        ..S3
    },
    Kind {
        weight: 15,
        name: "GetObject",
        read_only: true,
        caller: Caller::Public,
        error: (
            "AccessDenied",
            r#"User: @D is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::@b/@k\" because no identity-based policy allows the s3:GetObject action"#,
        ),
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"@k"}"#,
        extra: S3_DENIED,
        ..S3
    },
    Kind {
        weight: 80,
        name: "PutObject",
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"@k","x-amz-storage-class":"@6"}"#,
        response: r#"{"x-amz-server-side-encryption":@G,"x-amz-version-id":"@V"}"#,
        extra: S3_WRITE,
        ..S3
    },
    Kind {
        weight: 60,
        name: "PutObject",
        caller: Caller::Service,
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"AWSLogs/@k","x-amz-acl":"bucket-owner-full-control"}"#,
        response: r#"{"x-amz-server-side-encryption":@G}"#,
        extra: S3_WRITE,
        resources: r#"[{"accountId":"@a","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::@b"},{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::@b/AWSLogs/@k"}]"#,
        ..S3
    },
    Kind {
        weight: 45,
        name: "HeadObject",
        read_only: true,
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"@k"}"#,
        extra: S3_OTHER,
        ..S3
    },
    Kind {
        weight: 45,
        name: "ListObjects",
        read_only: true,
        request: r#"{"list-type":"2","bucketName":"@b","encoding-type":"url","prefix":"@f","delimiter":"/","Host":"@b.s3.@r.amazonaws.com"}"#,
        extra: S3_OTHER,
        resources: OBJECTS,
        ..S3
    },
    Kind {
        weight: 23,
        name: "DeleteObject",
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"@k"}"#,
        response: r#"{"x-amz-delete-marker":"true","x-amz-version-id":"@V"}"#,
        extra: S3_OTHER,
        ..S3
    },
    Kind {
        weight: 6,
        name: "DeleteObjects",
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","delete":"","x-id":"DeleteObjects"}"#,
        extra: S3_OTHER,
        resources: OBJECTS,
        ..S3
    },
    Kind {
        weight: 8,
        name: "CopyObject",
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"@k","x-amz-copy-source":"@b/staging/@k"}"#,
        response: r#"{"x-amz-server-side-encryption":@G,"x-amz-version-id":"@V"}"#,
        extra: S3_WRITE,
        resources: r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::@b/@k"},{"accountId":"@a","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::@b"},{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::@b/staging/@k"}]"#,
        ..S3
    },
    Kind {
        weight: 6,
        name: "CompleteMultipartUpload",
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","key":"@k","uploadId":"@8","CompleteMultipartUpload":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Part":@L}}"#,
        response: r#"{"x-amz-server-side-encryption":@G,"x-amz-version-id":"@V"}"#,
        extra: S3_WRITE,
        ..S3
    },
    Kind {
        weight: 3,
        name: "PutBucketPolicy",
        data: false,
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","policy":"","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::@b","arn:aws:s3:::@b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}},{"Sid":"Read","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::@a:role/@o"},"Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::@b","arn:aws:s3:::@b/*"]}]}}"#,
        extra: S3_OTHER,
        resources: BUCKET,
        ..S3
    },
    Kind {
        weight: 75,
        name: "GetBucketAcl",
        read_only: true,
        data: false,
        caller: Caller::Service,
        request: r#"{"bucketName":"@b","Host":"@b.s3.@r.amazonaws.com","acl":""}"#,
        extra: S3_OTHER,
        resources: BUCKET,
        ..S3
    },
    Kind {
        weight: 100,
        name: "DescribeInstances",
        read_only: true,
        request: r#"{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"},{"value":"pending"}]}},{"name":"tag:team","valueSet":{"items":[{"value":"@B"}]}}]}}"#,
        ..EC2
    },
    Kind {
        weight: 60,
        name: "DescribeInstances",
        read_only: true,
        request: r#"{"instancesSet":{"items":[{"instanceId":"@i"}]},"filterSet":{}}"#,
        ..EC2
    },
    Kind {
        weight: 8,
        name: "RunInstances",
        request: RUN_REQUEST,
        response: r#"{"requestId":"@q","reservationId":"r-@h","ownerId":"@a","groupSet":{},"instancesSet":{"items":[@J]}}"#,
        ..EC2
    },
    Kind {
        weight: 3,
        name: "RunInstances",
        error: ("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
        request: RUN_REQUEST,
        ..EC2
    },
    Kind {
        weight: 4,
        name: "RunInstances",
        error: (
            "Client.UnauthorizedOperation",
            "You are not authorized to perform this operation. User: @D is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:@r:@a:instance/* because no identity-based policy allows the ec2:RunInstances action. Encoded authorization failure message: @X...",
        ),
        request: RUN_REQUEST,
        ..EC2
    },
    Kind {
        weight: 5,
        name: "StartInstances",
        request: r#"{"instancesSet":{"items":[{"instanceId":"@i"}]}}"#,
        response: r#"{"requestId":"@q","instancesSet":{"items":[{"instanceId":"@i","currentState":{"code":0,"name":"pending"},"previousState":{"code":80,"name":"stopped"}}]}}"#,
        ..EC2
    },
    Kind {
        weight: 5,
        name: "StopInstances",
        request: r#"{"instancesSet":{"items":[{"instanceId":"@i"}]},"force":false}"#,
        response: r#"{"requestId":"@q","instancesSet":{"items":[{"instanceId":"@i","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}}"#,
        ..EC2
    },
    Kind {
        weight: 8,
        name: "TerminateInstances",
        request: r#"{"instancesSet":{"items":[{"instanceId":"@i"}]}}"#,
        response: r#"{"requestId":"@q","instancesSet":{"items":[{"instanceId":"@i","currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,"name":"running"}}]}}"#,
        ..EC2
    },
    Kind {
        weight: 5,
        name: "AuthorizeSecurityGroupIngress",
        request: r#"{"groupId":"@g","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"groups":{"items":[{"groupId":"@l","userId":"@a"}]},"ipRanges":{"items":[{"cidrIp":"@p/32","description":"@B"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#,
        response: r#"{"requestId":"@q","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"@a","groupId":"@g","securityGroupRuleId":"sgr-@h","isEgress":false,"ipProtocol":"tcp","fromPort":443,"toPort":443,"cidrIpv4":"@p/32","description":"@B"}]}}"#,
        ..EC2
    },
    Kind {
        weight: 2,
        name: "AuthorizeSecurityGroupIngress",
        request: r#"{"groupId":"@g","ipPermissions":{},"cidrIp":"0.0.0.0/0","ipProtocol":"tcp","fromPort":22,"toPort":22}"#,
        response: r#"{"requestId":"@q","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"@a","groupId":"@g","securityGroupRuleId":"sgr-@h","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"0.0.0.0/0"}]}}"#,
        ..EC2
    },
    Kind {
        weight: 6,
        name: "CreateVolume",
        request: r#"{"size":"@4","zone":"@z","volumeType":"gp3","encrypted":true,"tagSpecificationSet":{"items":[{"resourceType":"volume","tags":[{"key":"team","value":"@B"}]}]}}"#,
        response: r#"{"requestId":"@q","volumeId":"@v","size":"@4","zone":"@z","status":"creating","createTime":@T000,"volumeType":"gp3","iops":3000,"encrypted":true,"tagSet":{"items":[{"key":"team","value":"@B"}]}}"#,
        ..EC2
    },
    Kind {
        weight: 5,
        name: "AttachVolume",
        request: r#"{"volumeId":"@v","instanceId":"@i","device":"/dev/sdf","deleteOnTermination":false}"#,
        response: r#"{"requestId":"@q","volumeId":"@v","instanceId":"@i","device":"/dev/sdf","status":"attaching","attachTime":@T000,"deleteOnTermination":false}"#,
        ..EC2
    },
    Kind {
        weight: 2,
        name: "ModifySnapshotAttribute",
        request: r#"{"snapshotId":"@s","attributeType":"CREATE_VOLUME_PERMISSION","createVolumePermission":{"add":{"items":[{"userId":"@9"}]}}}"#,
        response: r#"{"requestId":"@q","_return":true}"#,
        ..EC2
    },
    Kind {
        weight: 2,
        name: "DeleteFlowLogs",
        request: r#"{"DeleteFlowLogsRequest":{"FlowLogId":{"content":"fl-@h","tag":1}}}"#,
        response: r#"{"DeleteFlowLogsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"@q","unsuccessful":""}}"#,
        ..EC2
    },
    Kind {
        weight: 2,
        name: "SharedSnapshotVolumeCreated",
        caller: Caller::OtherAccount,
        request: "",
        response: "",
        ..EC2
    },
    Kind {
        weight: 125,
        service: "sts",
        name: "AssumeRole",
        read_only: true,
        caller: Caller::Service,
        request: r#"{"roleArn":"arn:aws:iam::@a:role/@o","roleSessionName":"@i","durationSeconds":3600}"#,
        response: r#"{"credentials":{"accessKeyId":"@K","sessionToken":"@X","expiration":"@F"},"assumedRoleUser":{"assumedRoleId":"AROA@I:@i","arn":"arn:aws:sts::@a:assumed-role/@o/@i"}}"#,
        resources: r#"[{"accountId":"@a","type":"AWS::IAM::Role","ARN":"arn:aws:iam::@a:role/@o"}]"#,
        ..PLAIN
    },
    Kind {
        weight: 90,
        service: "kms",
        name: "Decrypt",
        read_only: true,
        request: r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::@b/@k"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#,
        extra: r#"{"keyMaterialId":"@S"}"#,
        resources: r#"[{"accountId":"@a","type":"AWS::KMS::Key","ARN":"arn:aws:kms:@r:@a:key/@W"}]"#,
        ..PLAIN
    },
    Kind {
        weight: 2,
        service: "iam",
        name: "CreateAccessKey",
        request: r#"{"userName":"@B-deploy"}"#,
        response: r#"{"accessKey":{"userName":"@B-deploy","accessKeyId":"AKIA@5","status":"Active","createDate":"@t"}}"#,
        ..PLAIN
    },
    Kind {
        weight: 3,
        service: "iam",
        name: "AttachRolePolicy",
        request: r#"{"roleName":"@o","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}"#,
        ..PLAIN
    },
    Kind {
        weight: 4,
        service: "signin",
        name: "ConsoleLogin",
        caller: Caller::Person,
        response: r#"{"ConsoleLogin":"Success"}"#,
        extra: r#"{"LoginTo":"https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true&state=hashArgsFromTB_@r","MobileVersion":"No","MFAUsed":"Yes"}"#,
        ..PLAIN
    },
    Kind {
        weight: 1,
        service: "signin",
        name: "ConsoleLogin",
        caller: Caller::Person,
        error: ("", "Failed authentication"),
        response: r#"{"ConsoleLogin":"Failure"}"#,
        extra: r#"{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"No"}"#,
        ..PLAIN
    },
];

const fn total_weight() -> u64 {
    let (mut sum, mut at) = (0, 0);
    while at < KINDS.len() {
        sum += KINDS[at].weight;
        at += 1;
    }
    sum
}

const REGIONS: &[&str] = &[
    "eu-west-1",
    "us-east-1",
    "eu-central-1",
    "us-west-2",
    "ap-southeast-2",
    "eu-north-1",
    "us-east-2",
    "ap-northeast-1",
    "sa-east-1",
    "ca-central-1",
    "eu-west-2",
    "eu-west-3",
    "ap-south-1",
    "ap-southeast-1",
    "us-west-1",
    "af-south-1",
];
const TEAMS: &[&str] =
    &["orders", "billing", "search", "media", "fraud", "reports", "mobile", "ledger", "web", "ml", "audit", "stock"];
const USES: &[&str] = &["raw", "curated", "logs", "backup", "assets", "exports"];
const ROLES: &[&str] = &["etl-writer", "api", "worker", "reader", "deploy", "crawler"];
const PEOPLE: &[&str] = &["dana", "omar", "li.wei", "sofia", "jonas", "amara", "ivo"];
const TYPES: &[&str] = &["m7g.large", "c7g.xlarge", "t4g.small", "r7g.2xlarge", "m7i.4xlarge"];
const AGENTS: &[&str] = &[
    "aws-sdk-java/2.34.2 md/io#sync ua/2.1 os/Linux#6.12.40 lang/java#21.0.8",
    "Boto3/1.43.11 md/Botocore#1.43.11 os/linux#6.12.40 lang/python#3.13.7 Botocore/1.43.11",
    "aws-sdk-rust/1.13 os/linux lang/rust/1.95",
    "aws-cli/2.36.28 md/awscrt#0.31.2 os/linux#6.12 lang/python#3.13.11",
    "aws-sdk-go-v2/1.39.0 os/linux lang/go#1.25.1 m/E,e",
    "S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.792 Linux/5.10.240",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101",
];
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VERSION: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// One event while it is written.
struct Event<'a> {
    out: &'a mut String,
    options: &'a Options,
    kind: &'static Kind,
    hash: u64,
    /// Seconds since 1970.
    time: u64,
    account: u64,
    region: u64,
    principal: u64,
    bucket: u64,
    /// Which element of a list is being written; part of every draw.
    round: u64,
}

impl<'a> Event<'a> {
    fn new(out: &'a mut String, hash: u64, options: &'a Options) -> Self {
        let mut left = mix(hash) % total_weight();
        let mut kind = &KINDS[0];
        for candidate in KINDS {
            kind = candidate;
            if left < kind.weight {
                break;
            }
            left -= kind.weight;
        }
        let accounts = u64::from(options.accounts.max(1));
        let regions = u64::from(options.regions.max(1));
        let draw = |slot: u64| mix(hash ^ slot.wrapping_mul(GOLDEN));
        let buckets = (BUCKETS / accounts).max(regions).max(8);
        let bucket = skewed(draw(1), buckets);
        let day = draw(2) % u64::from(options.days.max(1));
        // Half of the work is done in working hours.
        let second = match draw(3) % 2 {
            0 => (draw(3) >> 1) % 86_400,
            _ => 8 * 3600 + (draw(3) >> 1) % (10 * 3600),
        };
        Event {
            out,
            options,
            kind,
            hash,
            time: FIRST_SECOND + day * 86_400 + second,
            account: draw(4) % accounts,
            region: match kind.service {
                "s3" => bucket % regions,
                "iam" | "signin" => 0,
                _ => draw(5) % regions,
            },
            principal: skewed(draw(6), (PRINCIPALS / accounts).max(8)),
            bucket,
            round: 0,
        }
    }

    /// A hash of this event and a place in it.
    fn draw(&self, slot: u8) -> u64 {
        mix(self.hash ^ (u64::from(slot) + 256 * (self.round + 1)).wrapping_mul(GOLDEN))
    }

    fn chance(&self, slot: u8, per_mille: u64) -> bool {
        self.draw(slot) % 1000 < per_mille
    }

    /// A hash of something that lives longer than an event: the same in all events that meet it.
    fn lasting(&self, slot: u8, number: u64) -> u64 {
        let owner = mix(self.options.seed ^ u64::from(slot)) ^ (self.account << 32) ^ number;
        mix(owner.wrapping_mul(GOLDEN))
    }

    fn of_principal(&self, slot: u8) -> u64 {
        self.lasting(slot, self.principal)
    }

    /// The hash of one of `n` resources of this region, some of them in use far more than others.
    fn of_pool(&self, slot: u8, n: u64) -> u64 {
        self.lasting(slot, skewed(self.draw(slot), n) * 1000 + self.region)
    }

    fn write(mut self) {
        let kind = self.kind;
        if self.options.envelope {
            let (detail, service) = match (kind.service, kind.caller) {
                ("signin", _) => ("AWS Console Sign In", "signin"),
                (service, Caller::OtherAccount) => ("AWS Service Event", service),
                (service, _) => ("AWS API Call", service),
            };
            self.put(r#"{"version":"0","id":"@E","detail-type":""#);
            self.text(&[detail, r#" via CloudTrail","source":"aws."#, service]);
            self.put(r#"","account":"@a","time":"@t","region":"@r","resources":[],"detail":"#);
        }
        self.text(&[r#"{"eventVersion":""#, self.version(), r#"","userIdentity":"#]);
        self.identity();
        self.put(r#","eventTime":"@t","eventSource":""#);
        self.text(&[kind.service, r#".amazonaws.com","eventName":""#, kind.name]);
        self.put(r#"","awsRegion":"@r","sourceIPAddress":""#);
        self.source();
        self.put(r#"","userAgent":""#);
        self.agent();
        self.text(&["\""]);
        self.outcome();
        if kind.extra.is_empty() || kind.service != "s3" {
            self.put(r#","requestID":"@q""#);
        } else {
            self.put(r#","requestID":"@Q""#);
        }
        let read_only = if kind.read_only { "true" } else { "false" };
        self.put(r#","eventID":"@e""#);
        self.text(&[r#","readOnly":"#, read_only]);
        if !kind.resources.is_empty() {
            self.text(&[r#","resources":"#]);
            self.put(kind.resources);
        }
        self.ending();
        if self.options.envelope {
            self.text(&["}"]);
        }
    }

    fn version(&self) -> &'static str {
        match self.draw(b'!') % 100 {
            0..7 => "1.08",
            7..16 => "1.10",
            _ => "1.11",
        }
    }

    /// errorCode, errorMessage and the parameters of the call.
    fn outcome(&mut self) {
        let kind = self.kind;
        let members = [
            (r#","errorCode":""#, kind.error.0, "\""),
            (r#","errorMessage":""#, kind.error.1, "\""),
            (r#","requestParameters":"#, kind.request, ""),
            (r#","responseElements":"#, kind.response, ""),
            (r#","additionalEventData":"#, kind.extra, ""),
        ];
        for (name, template, close) in members {
            if !template.is_empty() {
                self.text(&[name]);
                self.put(template);
                self.text(&[close]);
            }
        }
    }

    /// What follows the resources.
    fn ending(&mut self) {
        let kind = self.kind;
        let (event_type, management, category) = match (kind.caller, kind.data) {
            (Caller::Person, _) => ("AwsConsoleSignIn", "true", "Management"),
            (Caller::OtherAccount, _) => ("AwsServiceEvent", "true", "Management"),
            (_, true) => ("AwsApiCall", "false", "Data"),
            (_, false) => ("AwsApiCall", "true", "Management"),
        };
        self.text(&[r#","eventType":""#, event_type]);
        self.text(&[r#"","managementEvent":"#, management]);
        self.put(r#","recipientAccountId":"@a""#);
        if kind.data && self.chance(b'"', 10) {
            self.put(r#","sharedEventID":"@W""#);
        }
        if self.has_endpoint() {
            self.put(r#","vpcEndpointId":"vpce-0@d","vpcEndpointAccountId":"@a""#);
        }
        self.text(&[r#","eventCategory":""#, category, "\""]);
        if kind.caller == Caller::OtherAccount {
            self.put(r#","serviceEventDetails":{"snapshotId":"@s"}"#);
        } else if kind.caller != Caller::Service && self.version() != "1.08" {
            self.put(r#","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"@c","#);
            self.text(&[r#""clientProvidedHostHeader":""#]);
            self.put(if kind.service == "s3" { "@b." } else { "" });
            self.text(&[kind.service]);
            self.put(r#".@r.amazonaws.com""#);
            self.unknown(2, r#","keyExchange":"X25519MLKEM768""#);
            self.text(&["}"]);
            if matches!(self.principal % 10, 8) && kind.caller == Caller::Principal {
                self.text(&[r#","sessionCredentialFromConsole":"true""#]);
            }
        }
        self.unknown(0, r#","origin":{"plane":"control","hops":[1,2.50,null]}"#);
        self.text(&["}"]);
    }

    /// In half a percent of the events a member that nobody knows yet, in one of three places.
    fn unknown(&mut self, place: u64, member: &str) {
        let draw = self.draw(b'\'');
        if draw.is_multiple_of(200) && (draw >> 8) % 3 == place {
            self.text(&[member]);
        }
    }

    /// In a percent of the events text that needs JSON's escapes.
    fn is_odd(&self) -> bool {
        self.chance(b'?', 10)
    }

    fn has_endpoint(&self) -> bool {
        self.kind.service == "s3" && self.is_principal() && self.of_principal(b'd').is_multiple_of(5)
    }

    fn is_anonymous(&self) -> bool {
        self.kind.caller == Caller::Public && self.chance(b'~', 12)
    }

    fn is_principal(&self) -> bool {
        matches!(self.kind.caller, Caller::Principal | Caller::Public) && !self.is_anonymous()
    }

    fn identity(&mut self) {
        let kind = self.kind;
        match kind.caller {
            Caller::Service => {
                self.text(&[r#"{"type":"AWSService","invokedBy":""#, self.invoker(), "\""]);
            }
            Caller::OtherAccount => {
                self.put(OTHER_ACCOUNT);
            }
            Caller::Person if self.chance(b'R', 150) => {
                self.put(ROOT);
            }
            Caller::Person => {
                self.put(CONSOLE_USER);
            }
            _ if self.is_anonymous() => {
                self.put(ANONYMOUS);
            }
            _ if matches!(self.principal % 10, 3 | 7) => {
                self.put(USER);
            }
            _ => {
                self.put(SESSION);
                self.put(match self.principal % 10 {
                    5 => FROM_INSTANCE,
                    6 => FROM_SOURCE,
                    _ => "}",
                });
                if kind.service == "kms" {
                    self.text(&[r#","invokedBy":"AWS Internal""#]);
                }
            }
        }
        self.unknown(1, r#","assurance":"AAL2""#);
        self.text(&["}"]);
    }

    fn invoker(&self) -> &'static str {
        match self.kind.service {
            "s3" if self.kind.data => {
                pick(self.draw(b'/'), &["cloudtrail.amazonaws.com", "delivery.logs.amazonaws.com"])
            }
            "sts" => pick(self.draw(b'/'), &["ec2.amazonaws.com", "lambda.amazonaws.com"]),
            _ => "config.amazonaws.com",
        }
    }

    fn source(&mut self) {
        match self.kind.caller {
            Caller::Service => self.text(&[self.invoker()]),
            Caller::OtherAccount => self.text(&["ec2.amazonaws.com"]),
            _ if self.kind.service == "kms" => self.text(&["AWS Internal"]),
            _ if self.has_endpoint() => self.put("@p"),
            _ => {
                // A few addresses for each principal.
                let from = mix(self.of_principal(b'.') ^ (self.draw(b'.') % 4));
                let _ = match from % 16 {
                    0 => write!(self.out, "2001:db8:{:x}::{:x}", from >> 48, (from >> 8) % 4096),
                    1..9 => write!(self.out, "198.51.100.{}", (from >> 8) % 256),
                    _ => write!(self.out, "203.0.113.{}", (from >> 8) % 256),
                };
            }
        }
    }

    fn agent(&mut self) {
        match self.kind.caller {
            Caller::Service => self.text(&[self.invoker()]),
            Caller::OtherAccount => self.text(&["ec2.amazonaws.com"]),
            _ if self.kind.service == "kms" => self.text(&["AWS Internal"]),
            _ => {
                let (open, close) = if self.kind.service == "s3" { ("[", "]") } else { ("", "") };
                let agent = match self.is_odd() {
                    true => ODD_AGENT,
                    false => pick(self.of_principal(b'g'), AGENTS),
                };
                self.text(&[open, agent, close]);
            }
        }
    }

    fn text(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.push_str(part);
        }
    }

    /// Appends a template: its text, with each `@x` replaced.
    fn put(&mut self, template: &str) {
        let mut pieces = template.split('@');
        self.out.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (code, text) = piece.split_at(1);
            self.value(code.as_bytes()[0]);
            self.out.push_str(text);
        }
    }

    /// What stands behind `@x` in the templates: the same value throughout one event (and one element of a list).
    ///
    /// - who: `a` account, `9` a foreign one, `D` ARN of the caller, `o` role, `N` session or user name, `R` `I` ids of
    ///   principals, `K` `U` `5` access keys, `B` team, `C` begin of the session
    /// - when: `t` event time, `T` in seconds, `m` `M` start and end in milliseconds, `1` what lies between, `F` an hour later
    /// - ids of calls: `e` event, `E` envelope, `q` `Q` request, `O` client token, `x` x-amz-id-2, `X` a long token, `h` `^` hex
    /// - S3: `b` bucket, `f` prefix, `k` key, `V` version, `8` upload, `L` parts, `0` `2` `3` bytes, `6` storage class,
    ///   `G` `H` encryption, `W` `S` KMS key, `A` `P` presigned or not
    /// - EC2: `i` instance, `j` image, `n` interface, `v` volume, `s` snapshot, `g` `l` groups, `u` subnet, `w` VPC, `p` `-`
    ///   address, `:` MAC, `y` key pair, `Y` type, `z` zone, `4` size, `7` how many, `J` all of them, `#` which, `d` endpoint
    /// - `r` region, `c` cipher suite
    fn value(&mut self, code: u8) {
        match code {
            b'A' | b'G' | b'H' | b'P' | b'V' | b'b' | b'f' | b'k' | b'6' | b'L' => self.s3_value(code),
            b'D' | b'K' | b'N' | b'R' | b'U' | b'o' | b'C' => self.principal_value(code),
            b'J' | b'Y' | b'y' | b'g' | b'i' | b'j' | b'l' | b'n' | b's' | b'u' | b'v' | b'w' | b'z' | b'p' | b'-'
            | b':' | b'4' | b'7' => self.ec2_value(code),
            b'a' => self.account(self.account),
            b'9' => self.account(1000 + self.draw(code) % 5),
            b'r' => self.region(),
            b't' => self.time(self.time),
            b'F' => self.time(self.time + 3600),
            b'T' => self.number(self.time),
            b'm' => self.number(self.time * 1000 + self.draw(b'm') % 1000),
            b'M' => self.number(self.time * 1000 + self.draw(b'm') % 1000 + self.wait() + 4),
            b'1' => self.number(self.wait()),
            b'0' => self.number(self.size()),
            b'2' => self.number(512 + self.size() % 65_536),
            b'3' => self.number(243 + self.draw(code) % 32),
            b'#' => self.number(self.round),
            b'e' | b'E' | b'q' | b'O' => self.uuid(self.draw(code)),
            b'W' => self.uuid(self.of_pool(code, 40)),
            b'Q' => self.letters(self.draw(code), BASE32, 16),
            b'5' => self.letters(self.draw(code), BASE32, 16),
            b'I' => self.letters(self.of_pool(code, 60), BASE32, 17),
            b'h' => {
                self.text(&["0"]);
                self.letters(self.draw(code), HEX, 16);
            }
            b'd' => self.letters(self.of_pool(code, 6), HEX, 16),
            b'S' => self.letters(self.of_pool(code, 40), HEX, 64),
            b'x' => {
                self.letters(self.draw(code), BASE64, 75);
                self.text(&["="]);
            }
            b'X' => self.letters(self.draw(code), BASE64, 360),
            b'8' => self.letters(self.draw(code), VERSION, 96),
            b'^' => self.letters(self.draw(code), HEX, 32),
            b'B' => self.text(&[pick(self.of_principal(code), TEAMS)]),
            b'c' => self.text(&[pick(
                self.of_principal(code),
                &["TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
            )]),
            other => unreachable!("no value for @{}", other as char),
        }
    }

    fn principal_value(&mut self, code: u8) {
        let kind = self.principal % 10;
        match code {
            b'D' if matches!(kind, 3 | 7) || self.kind.caller == Caller::Person => {
                self.put("arn:aws:iam::@a:user/@N");
            }
            b'D' if self.is_anonymous() => self.text(&["anonymous"]),
            b'D' => self.put("arn:aws:sts::@a:assumed-role/@o/@N"),
            // The name of the user, of the instance, of the person or of the session.
            b'N' if matches!(kind, 3 | 7) || self.kind.caller == Caller::Person => {
                self.text(&[pick(self.of_principal(code), PEOPLE)]);
                self.number(self.principal);
            }
            b'N' if kind == 5 => {
                self.text(&["i-0"]);
                self.letters(self.of_principal(code), HEX, 16);
            }
            b'N' if kind == 8 => self.text(&[pick(self.of_principal(code), PEOPLE), "@example.com"]),
            b'N' => {
                self.text(&[pick(self.of_principal(b'B'), TEAMS), "-"]);
                self.number(self.session());
            }
            b'o' if kind == 8 => {
                self.text(&["AWSReservedSSO_Admin_"]);
                self.letters(self.lasting(code, 0), HEX, 16);
            }
            b'o' => {
                let role = pick(self.of_principal(code), ROLES);
                self.text(&[pick(self.of_principal(b'B'), TEAMS), "-", role, "-"]);
                self.number(self.principal);
            }
            b'R' => self.letters(self.of_principal(code), BASE32, 17),
            b'U' => self.letters(self.of_principal(code), BASE32, 16),
            b'K' => {
                self.text(&["ASIA"]);
                self.letters(mix(self.of_principal(code) ^ self.session()), BASE32, 16);
            }
            _ => self.time(self.session()),
        }
    }

    fn s3_value(&mut self, code: u8) {
        let bucket = self.lasting(b'b', self.bucket);
        let encrypted = bucket.is_multiple_of(5);
        match code {
            b'b' => {
                self.text(&[pick(bucket, TEAMS), "-", pick(bucket >> 8, USES), "-"]);
                self.number(1000 * (self.account + 1) + self.bucket);
            }
            b'f' => {
                self.text(&[pick(bucket >> 16, USES), "/dt="]);
                let start = self.out.len();
                self.time(self.time);
                self.out.truncate(start + 10);
                self.text(&["/"]);
            }
            b'k' if self.is_odd() => {
                self.put("@f");
                self.text(&[ODD_NAME]);
                self.number(self.draw(code) % 10_000);
                self.text(&[".pdf"]);
            }
            b'k' => {
                let draw = self.draw(code);
                self.put("@f");
                let _ = write!(self.out, "part-{:05}-", draw % 64);
                let part = skewed(draw >> 8, 20_000) ^ (self.bucket << 20);
                self.letters(self.lasting(code, part), HEX, 12);
                self.text(&[pick(bucket >> 24, &[".snappy.parquet", ".json.gz", ".csv"])]);
            }
            b'A' if self.presigned() => self.text(&["QueryString"]),
            b'A' => self.text(&["AuthHeader"]),
            b'P' if self.presigned() => {
                self.put(PRESIGNED);
            }
            b'P' => {}
            b'G' if encrypted => self.put(KMS_KEY),
            b'G' => self.text(&[r#""AES256""#]),
            b'H' if encrypted => self.text(&["SSE_KMS"]),
            b'H' => self.text(&["Default_SSE_S3"]),
            b'6' => self.text(&[pick(bucket >> 32, &["STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA"])]),
            b'V' => {
                self.letters(self.draw(code), VERSION, 32);
            }
            _ => self.parts(),
        }
    }

    fn presigned(&self) -> bool {
        self.kind.caller == Caller::Public && self.chance(b'A', 40)
    }

    /// The parts of an upload: several in an array, but a single one stands there bare.
    fn parts(&mut self) {
        let parts = 1 + self.draw(b'L') % 4;
        self.text(&[if parts > 1 { "[" } else { "" }]);
        for part in 1..=parts {
            self.round = part;
            self.text(&[if part > 1 { "," } else { "" }, r#"{"PartNumber":"#]);
            self.number(part);
            self.put(r#","ETag":"\"@^\""}"#);
        }
        self.text(&[if parts > 1 { "]" } else { "" }]);
        self.round = 0;
    }

    fn ec2_value(&mut self, code: u8) {
        let prefix = match code {
            b'g' | b'l' => "sg-0",
            b'i' => "i-0",
            b'j' => "ami-0",
            b'n' => "eni-0",
            b's' => "snap-0",
            b'u' => "subnet-0",
            b'v' => "vol-0",
            b'w' => "vpc-0",
            _ => return self.ec2_setting(code),
        };
        // What RunInstances and CreateVolume make is new; everything else is met again and again.
        let made = match code {
            b'i' => self.kind.name == "RunInstances",
            b'v' => self.kind.name == "CreateVolume",
            other => other == b'n',
        };
        let hash = match code {
            _ if made => self.draw(code),
            b'i' | b'v' => self.of_pool(code, 800),
            b'w' => self.of_pool(code, 3),
            _ => self.of_pool(code, 40),
        };
        self.text(&[prefix]);
        self.letters(hash, HEX, 16);
    }

    fn ec2_setting(&mut self, code: u8) {
        let draw = self.draw(code);
        match code {
            b'J' => {
                for round in 0..self.launched() {
                    self.round = round;
                    self.text(&[if round > 0 { "," } else { "" }]);
                    self.put(INSTANCE);
                }
                self.round = 0;
            }
            b'7' => self.number(self.launched()),
            b'Y' => self.text(&[pick(self.of_pool(code, 20), TYPES)]),
            b'y' => self.text(&[pick(self.lasting(code, 0), TEAMS), "-2026"]),
            b'z' => {
                self.region();
                self.text(&[pick(draw, &["a", "b", "c"])]);
            }
            b'4' => self.number(8 << (draw % 6)),
            b'p' | b'-' => {
                let (draw, dot) = (self.of_pool(b'p', 2000), if code == b'p' { '.' } else { '-' });
                let (second, third, fourth) = (draw % 4, draw >> 8 & 255, draw >> 16 & 255);
                let _ = write!(self.out, "10{dot}{second}{dot}{third}{dot}{fourth}");
            }
            _ => {
                let _ = write!(
                    self.out,
                    "0a:{:02x}:{:02x}:{:02x}:{:02x}:01",
                    draw & 255,
                    draw >> 8 & 255,
                    draw >> 16 & 255,
                    draw >> 24 & 255
                );
            }
        }
    }

    /// How many instances a RunInstances starts: mostly one.
    fn launched(&self) -> u64 {
        1 + skewed(mix(self.hash ^ GOLDEN), 3)
    }

    /// Milliseconds until the answer.
    fn wait(&self) -> u64 {
        8 + skewed(self.draw(b'1'), 400)
    }

    /// Bytes of the object.
    fn size(&self) -> u64 {
        let draw = self.draw(b'0');
        (draw >> 8) % (1 << (6 + draw % 22))
    }

    /// When the caller's session began: a session lasts an hour.
    fn session(&self) -> u64 {
        let offset = self.of_principal(b's') % 3600;
        (self.time - offset) / 3600 * 3600 + offset
    }

    fn account(&mut self, index: u64) {
        match index {
            0 => self.text(&["111122223333"]),
            1 => self.text(&["444455556666"]),
            2 => self.text(&["777788889999"]),
            _ => self.number(100_000_000_000 + mix(index) % 900_000_000_000),
        }
    }

    fn region(&mut self) {
        match REGIONS.get(self.region as usize) {
            Some(name) => self.text(&[name]),
            None => {
                self.text(&["test-region-"]);
                self.number(self.region);
            }
        }
    }

    fn number(&mut self, number: u64) {
        let _ = write!(self.out, "{number}");
    }

    /// `count` characters of an alphabet of 16, 32 or 64.
    fn letters(&mut self, hash: u64, alphabet: &[u8], count: usize) {
        let mut letters = [0; 512];
        let mask = alphabet.len() as u64 - 1;
        for (block, letters) in letters[..count].chunks_mut(10).enumerate() {
            let mut bits = mix(hash.wrapping_add(block as u64));
            for letter in letters {
                *letter = alphabet[(bits & mask) as usize];
                bits >>= 6;
            }
        }
        self.out.push_str(str::from_utf8(&letters[..count]).unwrap_or_default());
    }

    fn uuid(&mut self, hash: u64) {
        let (high, low) = (hash, mix(hash));
        let _ = write!(
            self.out,
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            0x8000 | low >> 48 & 0x3fff,
            low & 0xffff_ffff_ffff,
        );
    }

    /// `2026-10-01T09:00:00Z`.
    fn time(&mut self, seconds: u64) {
        // Days since 0000-03-01, so that a leap day is the last of its year; the calendar repeats every 146,097 days.
        let days = seconds / 86_400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (year, month) = match month {
            0..10 => (400 * era + year, month + 3),
            _ => (400 * era + year + 1, month - 9),
        };
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let _ = write!(self.out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    }
}

/// Copies JSON as it is written here (no whitespace), with the members of every object in a random order.
fn shuffle(json: &str, out: &mut String, state: &mut u64) {
    let (open, close) = match json.as_bytes().first() {
        Some(b'{') => ('{', '}'),
        Some(b'[') => ('[', ']'),
        _ => return out.push_str(json),
    };
    let mut members = split(&json[1..json.len() - 1]);
    if open == '{' {
        for last in (1..members.len()).rev() {
            *state = mix(*state);
            members.swap(last, (*state % (last as u64 + 1)) as usize);
        }
    }
    out.push(open);
    for (index, member) in members.into_iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        // No key here holds a quotation mark.
        let value = if open == '{' { member.find("\":").map_or(0, |at| at + 2) } else { 0 };
        out.push_str(&member[..value]);
        shuffle(&member[value..], out, state);
    }
    out.push(close);
}

/// Splits the inside of an object or array at its own commas.
fn split(inside: &str) -> Vec<&str> {
    let (mut members, mut start, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0, false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => {
                members.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside.is_empty() {
        members.push(&inside[start..]);
    }
    members
}
