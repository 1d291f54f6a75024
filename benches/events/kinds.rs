//! The kinds of events and how often each is met, their JSON as templates.

/// Who may be the caller.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Caller {
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
pub(super) struct Kind {
    /// How many of [`total_weight`] events are of this kind.
    pub(super) weight: u64,
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) read_only: bool,
    pub(super) data: bool,
    pub(super) caller: Caller,
    pub(super) error: (&'static str, &'static str),
    pub(super) request: &'static str,
    pub(super) response: &'static str,
    pub(super) extra: &'static str,
    pub(super) resources: &'static str,
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

pub(super) const S3: Kind = Kind { service: "s3", data: true, resources: OBJECT, ..PLAIN };

pub(super) const EC2: Kind = Kind { service: "ec2", ..PLAIN };

const OBJECT: &str = r#"[{"accountId":"@a","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::@b"},{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::@b/@k"}]"#;
const BUCKET: &str = r#"[{"accountId":"@a","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::@b"}]"#;
const OBJECTS: &str = r#"[{"accountId":"@a","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::@b"},{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::@b/"}]"#;

const S3_READ: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","objectSize":@0,"bytesTransferredIn":0,"startTime":@m,"AuthenticationMethod":"@A","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":200,"bytesTransferredOut":@0}"#;
const S3_RANGE: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","objectSize":@0,"bytesTransferredIn":0,"startTime":@m,"AuthenticationMethod":"AuthHeader","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":206,"bytesTransferredOut":@2}"#;
const S3_WRITE: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","objectSize":@0,"bytesTransferredIn":@0,"SSEApplied":"@H","startTime":@m,"AuthenticationMethod":"AuthHeader","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":200,"bytesTransferredOut":0}"#;
const S3_OTHER: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","bytesTransferredIn":0,"startTime":@m,"AuthenticationMethod":"AuthHeader","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":200,"bytesTransferredOut":@2}"#;
const S3_DENIED: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"@c","bytesTransferredIn":0,"startTime":@m,"AuthenticationMethod":"AuthHeader","endTime":@M,"x-amz-id-2":"@x","turnAroundTime":@1,"httpStatusCode":403,"bytesTransferredOut":@3}"#;

pub(super) const INSTANCE: &str = r#"{"instanceId":"@i","imageId":"@j","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-@-.@r.compute.internal","keyName":"@y","amiLaunchIndex":@#,"productCodes":{},"instanceType":"@Y","launchTime":@T000,"placement":{"availabilityZone":"@z","tenancy":"default"},"monitoring":{"state":"disabled"},"subnetId":"@u","vpcId":"@w","privateIpAddress":"@p","stateReason":{"code":"pending","message":"pending"},"architecture":"arm64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","blockDeviceMapping":{},"virtualizationType":"hvm","hypervisor":"xen","tagSet":{"items":[{"key":"Name","value":"@B-@#"},{"key":"team","value":"@B"}]},"clientToken":"@O","groupSet":{"items":[{"groupId":"@g","groupName":"@B-web"}]},"sourceDestCheck":true,"networkInterfaceSet":{"items":[{"networkInterfaceId":"@n","subnetId":"@u","vpcId":"@w","ownerId":"@a","status":"in-use","macAddress":"@:","privateIpAddress":"@p","privateDnsName":"ip-@-.@r.compute.internal","sourceDestCheck":true,"interfaceType":"interface","groupSet":{"items":[{"groupId":"@g","groupName":"@B-web"}]},"attachment":{"attachmentId":"eni-attach-@h","deviceIndex":0,"networkCardIndex":0,"status":"attaching","attachTime":@T000,"deleteOnTermination":true},"privateIpAddressesSet":{"item":[{"privateIpAddress":"@p","privateDnsName":"ip-@-.@r.compute.internal","primary":true}]},"ipv6AddressesSet":{},"tagSet":{}}]},"iamInstanceProfile":{"arn":"arn:aws:iam::@a:instance-profile/@B-node","id":"AIPA@I"},"ebsOptimized":false,"cpuOptions":{"coreCount":2,"threadsPerCore":1},"capacityReservationSpecification":{"capacityReservationPreference":"open"},"enclaveOptions":{"enabled":false},"metadataOptions":{"state":"pending","httpTokens":"required","httpPutResponseHopLimit":2,"httpEndpoint":"enabled","httpProtocolIpv4":"enabled","httpProtocolIpv6":"disabled","instanceMetadataTags":"disabled"},"maintenanceOptions":{"autoRecovery":"default"},"privateDnsNameOptions":{"hostnameType":"ip-name","enableResourceNameDnsARecord":false,"enableResourceNameDnsAAAARecord":false}}"#;
const RUN_REQUEST: &str = r#"{"instancesSet":{"items":[{"imageId":"@j","minCount":@7,"maxCount":@7,"keyName":"@y"}]},"instanceType":"@Y","subnetId":"@u","groupSet":{"items":[{"groupId":"@g"}]},"blockDeviceMapping":{"items":[{"deviceName":"/dev/xvda","ebs":{"volumeSize":@4,"deleteOnTermination":true,"volumeType":"gp3","encrypted":true}}]},"iamInstanceProfile":{"name":"@B-node"},"monitoring":{"enabled":false},"disableApiTermination":false,"disableApiStop":false,"clientToken":"@O","tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"Name","value":"@B-@#"},{"key":"team","value":"@B"}]}]},"userData":"<sensitiveDataRemoved>"}"#;

// Identities, open at the end: more members may follow.
pub(super) const SESSION: &str = r#"{"type":"AssumedRole","principalId":"AROA@R:@N","arn":"@D","accountId":"@a","accessKeyId":"@K","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA@R","arn":"arn:aws:iam::@a:role/@o","accountId":"@a","userName":"@o"},"attributes":{"creationDate":"@C","mfaAuthenticated":"false"}"#;
pub(super) const FROM_INSTANCE: &str = r#","ec2RoleDelivery":"2.0"},"inScopeOf":{"issuerType":"AWS::EC2::Instance","credentialsIssuedTo":"arn:aws:ec2:@r:@a:instance/@N"}"#;
pub(super) const FROM_SOURCE: &str = r#","sourceIdentity":"@B","webIdFederationData":{}}"#;
pub(super) const USER: &str =
    r#"{"type":"IAMUser","principalId":"AIDA@R","arn":"@D","accountId":"@a","accessKeyId":"AKIA@U","userName":"@N""#;
pub(super) const CONSOLE_USER: &str =
    r#"{"type":"IAMUser","principalId":"AIDA@R","arn":"@D","accountId":"@a","userName":"@N""#;
pub(super) const ROOT: &str =
    r#"{"type":"Root","principalId":"@a","arn":"arn:aws:iam::@a:root","accountId":"@a","accessKeyId":"""#;
pub(super) const ANONYMOUS: &str = r#"{"type":"AWSAccount","principalId":"","accountId":"anonymous""#;
pub(super) const OTHER_ACCOUNT: &str = r#"{"type":"AWSAccount","accountId":"@9","invokedBy":"ec2.amazonaws.com""#;

pub(super) const PRESIGNED: &str =
    r#","X-Amz-Algorithm":"AWS4-HMAC-SHA256","X-Amz-Date":"@t","X-Amz-Expires":"900","X-Amz-SignedHeaders":"host""#;
pub(super) const KMS_KEY: &str =
    r#""aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:@r:@a:key/@W""#;

// Text that needs every kind of escape.
pub(super) const ODD_NAME: &str = r#"r\u00e9sum\u00e9s\/\"final\" \u0026 \ud83d\ude00\\signed-"#;
pub(super) const ODD_AGENT: &str = r#"nightly\/2.1 (\"Caf\u00e9 \u2603\"; caf\u00e9)"#;

/// The mix: mostly reads and writes of objects, then the chatter of services and consoles, and a little of all that matters.
pub(super) const KINDS: &[Kind] = &[
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

pub(super) const fn total_weight() -> u64 {
    let (mut sum, mut at) = (0, 0);
    while at < KINDS.len() {
        sum += KINDS[at].weight;
        at += 1;
    }
    sum
}
