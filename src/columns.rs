//! The one table of columns: name, kind, where the value comes from, wire form, meaning.
//!
//! Schema, extraction, restoring, Athena DDL, Glue columns and data dictionary are all made from it. Adding a
//! plain column is adding one row. Ids are written to the Parquet files as field ids: they are never
//! changed and never reused (the element of a list column has id + 1000).

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// true or false.
    Bool,
    /// 64-bit signed integer.
    BigInt,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// List of text.
    List,
    /// Text that is the JSON of a member, its bytes as received but for insignificant whitespace.
    Json,
}

/// A shape of string value that is collected wherever it occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Begins with `arn:`; anywhere in the record.
    Arn,
    /// `^[a-z]{1,20}(-[a-z]{1,20}){0,3}-[0-9a-f]{8}([0-9a-f]{9})?$`; in request, response and service event details.
    ResourceId,
    /// `^A[KS]IA[A-Z0-9]{16}$`; anywhere in the record.
    AccessKeyId,
}

/// Where the value of a column comes from. Paths are member names joined by dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The member at this path. The wire form (what CloudTrail sends) is a string for text, true/false for bool,
    /// `YYYY-MM-DDThh:mm:ssZ` for timestamps and the value itself for json. A record is restored from these.
    Member(&'static str),
    /// As `Member`, of a bool whose wire form is the string "true" or "false".
    MemberQuoted(&'static str),
    /// A copy of the first of these that is there and not "".
    First(&'static [&'static str]),
    /// Of each entry of `resources` the first of these members that is there and not "".
    Entries(&'static [&'static str]),
    /// Every string value of this shape.
    Everywhere(Pattern),
    /// Every value of members of these names, at any depth of request and response, that begins with the prefix.
    Every(&'static [&'static str], &'static str),
    /// The first value of a member of the first of these names that occurs, at any depth of request and response.
    Find(&'static [&'static str]),
    /// In the first object that is the value of a member of the first names: its first member of the second names.
    FindIn(&'static [&'static str], &'static [&'static str]),
    /// Rules of a security group change.
    IpRules,
    /// Whom a snapshot or an image was shared with.
    SharedWith,
    /// Account of the first bucket among the resources.
    BucketOwner,
    /// success, failure, denied or dry_run.
    Outcome,
    /// Member of the EventBridge envelope.
    Bridge(&'static str),
    /// Key of the trail log file.
    LogFile,
    /// The rest of the record.
    Unmapped,
}

/// Services to which a column can be confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3 and its relatives.
    S3,
    /// Amazon EC2 and the EBS direct APIs.
    Ec2,
}

impl Service {
    /// Values of eventSource that mean this service.
    pub const fn event_sources(self) -> &'static [&'static str] {
        match self {
            Service::S3 => &[
                "s3.amazonaws.com",
                "s3express.amazonaws.com",
                "s3-outposts.amazonaws.com",
                "s3-object-lambda.amazonaws.com",
            ],
            Service::Ec2 => &["ec2.amazonaws.com", "ebs.amazonaws.com"],
        }
    }

    /// Whether a value of eventSource means this service.
    pub fn is_of(self, event_source: &[u8]) -> bool {
        self.event_sources().iter().any(|known| known.as_bytes() == event_source)
    }
}

/// One column of the table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Fixed number of the column, also the Parquet field id.
    pub id: i32,
    /// Name in Arrow, Parquet and Athena.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Where the value comes from.
    pub source: Source,
    /// The only service for whose events it is filled, if there is one.
    pub only: Option<Service>,
    /// What it means, for the data dictionary.
    pub doc: &'static str,
}

impl Column {
    const fn only(mut self, service: Service) -> Column {
        self.only = Some(service);
        self
    }

    /// Path of the record's member that the column stands for, if a record is restored from it.
    pub const fn member(&self) -> Option<&'static str> {
        match self.source {
            Source::Member(path) | Source::MemberQuoted(path) => Some(path),
            _ => None,
        }
    }
}

const fn column(id: i32, name: &'static str, kind: Kind, source: Source, doc: &'static str) -> Column {
    Column { id, name, kind, source, only: None, doc }
}

/// Version of the table; part of every file name. Raised when a column changes its meaning, not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// Columns by which the rows of a file are sorted first, NULL first; the rest follows in table order.
pub const SORT_COLUMNS: [&str; 4] = ["event_source", "event_name", "event_time", "event_id"];

/// Index of a column in the table.
///
/// # Panics
/// If there is no such column: names are literals in this program, so tests see it first.
pub const fn index_of(name: &str) -> usize {
    let mut i = 0;
    while i < COLUMNS.len() {
        if same(COLUMNS[i].name, name) {
            return i;
        }
        i += 1;
    }
    panic!("no such column");
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

use Kind::{BigInt, Bool, Json, List, Text, Timestamp};
use Source::{
    Bridge, BucketOwner, Entries, Every, Everywhere, Find, FindIn, First, IpRules, LogFile, Member, MemberQuoted,
    Outcome, SharedWith, Unmapped,
};

/// The columns, in the order of the table.
#[rustfmt::skip]
pub const COLUMNS: &[Column] = &[
    column(1, "event_time", Timestamp, Member("eventTime"), "When the request was completed, UTC, by the clock of the service host; whole seconds as CloudTrail sends it."),
    column(2, "event_id", Text, Member("eventID"), "GUID that CloudTrail gives each event; the key for finding duplicates."),
    column(3, "event_name", Text, Member("eventName"), "The API action, e.g. PutObject, RunInstances."),
    column(4, "event_source", Text, Member("eventSource"), "The service that was called, e.g. s3.amazonaws.com."),
    column(5, "event_type", Text, Member("eventType"), "AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, AwsVpceEvent, AwsCloudTrailInsight."),
    column(6, "event_category", Text, Member("eventCategory"), "Management, Data, Insight or NetworkActivity; the partition column category is made from it."),
    column(7, "event_version", Text, Member("eventVersion"), "Version of the record format, major.minor; compare the minor part as a number."),
    column(8, "aws_region", Text, Member("awsRegion"), "Region the request was made to."),
    column(9, "source_ip_address", Text, Member("sourceIPAddress"), "Address of the caller: IPv4, IPv6, a service name or AWS Internal."),
    column(10, "user_agent", Text, Member("userAgent"), "Program that made the request; S3 puts it in brackets."),
    column(11, "error_code", Text, Member("errorCode"), "Error of the service if the request failed, e.g. AccessDenied."),
    column(12, "error_message", Text, Member("errorMessage"), "Description of the error."),
    column(13, "outcome", Text, Outcome, "dry_run, denied, failure or success, from error_code, error_message and the console login result."),
    column(14, "read_only", Bool, Member("readOnly"), "Whether the action changes nothing."),
    column(15, "management_event", Bool, Member("managementEvent"), "Whether it is a management event."),
    column(16, "request_id", Text, Member("requestID"), "Id that the called service gave the request."),
    column(17, "shared_event_id", Text, Member("sharedEventID"), "Same GUID in the copies that several accounts get of one action."),
    column(18, "api_version", Text, Member("apiVersion"), "API version of the call."),
    column(19, "recipient_account_id", Text, Member("recipientAccountId"), "Account that received this record; may differ from user_account_id."),
    column(20, "vpc_endpoint_id", Text, Member("vpcEndpointId"), "VPC endpoint through which the request came."),
    column(21, "vpc_endpoint_account_id", Text, Member("vpcEndpointAccountId"), "Account that owns the VPC endpoint."),
    column(22, "session_credential_from_console", Bool, MemberQuoted("sessionCredentialFromConsole"), "True where the request came from a console session."),
    column(23, "user_type", Text, Member("userIdentity.type"), "Root, IAMUser, AssumedRole, FederatedUser, AWSAccount, AWSService, ..."),
    column(24, "user_principal_id", Text, Member("userIdentity.principalId"), "Unique id of the caller; for roles ROLEID:session-name."),
    column(25, "user_arn", Text, Member("userIdentity.arn"), "ARN of the caller."),
    column(26, "user_account_id", Text, Member("userIdentity.accountId"), "Account of the caller; may be \"anonymous\"."),
    column(27, "user_access_key_id", Text, Member("userIdentity.accessKeyId"), "Access key that signed the request; ASIA... is temporary."),
    column(28, "user_name", Text, Member("userIdentity.userName"), "Friendly name of the caller."),
    column(29, "user_invoked_by", Text, Member("userIdentity.invokedBy"), "AWS service that made the request on behalf of the caller."),
    column(30, "user_identity_provider", Text, Member("userIdentity.identityProvider"), "External identity provider (SAML and web identities)."),
    column(31, "user_credential_id", Text, Member("userIdentity.credentialId"), "Id of the bearer token used."),
    column(32, "user_on_behalf_of_user_id", Text, Member("userIdentity.onBehalfOf.userId"), "IAM Identity Center user for whom the call was made."),
    column(33, "user_on_behalf_of_identity_store_arn", Text, Member("userIdentity.onBehalfOf.identityStoreArn"), "Identity store of that user."),
    column(34, "user_invoked_by_delegate_account_id", Text, Member("userIdentity.invokedByDelegate.accountId"), "Account of the delegate that made the call."),
    column(35, "user_in_scope_of", Json, Member("userIdentity.inScopeOf"), "Scope of the credentials, such as the instance that they were issued to."),
    column(36, "session_issuer_type", Text, Member("userIdentity.sessionContext.sessionIssuer.type"), "Kind of the source of temporary credentials: Role, IAMUser, Root."),
    column(37, "session_issuer_principal_id", Text, Member("userIdentity.sessionContext.sessionIssuer.principalId"), "Unique id of the session issuer."),
    column(38, "session_issuer_arn", Text, Member("userIdentity.sessionContext.sessionIssuer.arn"), "ARN of the session issuer, e.g. the assumed role."),
    column(39, "session_issuer_account_id", Text, Member("userIdentity.sessionContext.sessionIssuer.accountId"), "Account that owns the session issuer."),
    column(40, "session_issuer_user_name", Text, Member("userIdentity.sessionContext.sessionIssuer.userName"), "Name of the session issuer, e.g. the role name."),
    column(41, "session_creation_date", Timestamp, Member("userIdentity.sessionContext.attributes.creationDate"), "When the temporary credentials were issued, UTC."),
    column(42, "session_mfa_authenticated", Bool, MemberQuoted("userIdentity.sessionContext.attributes.mfaAuthenticated"), "Whether the session was opened with multi-factor authentication."),
    column(43, "session_source_identity", Text, Member("userIdentity.sessionContext.sourceIdentity"), "Source identity set when the role was assumed."),
    column(44, "session_ec2_role_delivery", Text, Member("userIdentity.sessionContext.ec2RoleDelivery"), "1.0 or 2.0: the instance metadata service version that delivered the credentials."),
    column(45, "session_assumed_root", Text, Member("userIdentity.sessionContext.assumedRoot"), "Set where the session is of AssumeRoot."),
    column(46, "session_web_id_federated_provider", Text, Member("userIdentity.sessionContext.webIdFederationData.federatedProvider"), "Provider of a web identity session."),
    column(47, "tls_version", Text, Member("tlsDetails.tlsVersion"), "TLS version of the connection."),
    column(48, "tls_cipher_suite", Text, Member("tlsDetails.cipherSuite"), "Cipher suite of the connection."),
    column(49, "tls_client_provided_host_header", Text, Member("tlsDetails.clientProvidedHostHeader"), "Host name the client asked for."),
    column(50, "resource_arns", List, Entries(&["ARN", "arn", "ARNPrefix"]), "ARN, else ARN prefix, of each entry of resources."),
    column(51, "resource_types", List, Entries(&["type"]), "Type of each entry of resources, in line with resource_arns."),
    column(52, "resource_account_ids", List, Entries(&["accountId"]), "Account of each entry of resources, in line with resource_arns."),
    column(53, "request_parameters", Json, Member("requestParameters"), "Parameters of the request."),
    column(54, "response_elements", Json, Member("responseElements"), "Answer of an action that changes something."),
    column(55, "additional_event_data", Json, Member("additionalEventData"), "Further data about the request, per service."),
    column(56, "service_event_details", Json, Member("serviceEventDetails"), "Details of a service event."),
    column(57, "resources", Json, Member("resources"), "Resources the event touched."),
    column(58, "insight_details", Json, Member("insightDetails"), "Details of an Insights event."),
    column(59, "addendum", Json, Member("addendum"), "Why a record came late or was updated."),
    column(60, "event_context", Json, Member("eventContext"), "Resource tags and request context, where enrichment is on."),
    column(61, "edge_device_details", Json, Member("edgeDeviceDetails"), "Details of an edge device (S3 on Outposts)."),
    column(62, "any_arns", List, Everywhere(Pattern::Arn), "Every ARN anywhere in the record."),
    column(63, "any_resource_ids", List, Everywhere(Pattern::ResourceId), "Every resource id (i-, vol-, sg-, snap- ...) in request, response and service event details."),
    column(64, "any_access_key_ids", List, Everywhere(Pattern::AccessKeyId), "Every access key id anywhere in the record."),
    column(65, "assumed_role_arn", Text, First(&["requestParameters.roleArn"]), "Role that the request asked to assume or use."),
    column(66, "role_session_name", Text, First(&["requestParameters.roleSessionName"]), "Session name given when a role was assumed."),
    column(67, "issued_access_key_id", Text, First(&["responseElements.credentials.accessKeyId", "responseElements.accessKey.accessKeyId"]), "Access key that the request brought into being."),
    column(68, "bridge_event_id", Text, Bridge("id"), "Id of the EventBridge envelope."),
    column(69, "bridge_detail_type", Text, Bridge("detail-type"), "Detail type of the EventBridge envelope."),
    column(70, "log_file", Text, LogFile, "Key of the trail log file that the record was read from."),
    column(71, "s3_bucket_name", Text, First(&["requestParameters.bucketName"]), "Bucket of the request.").only(Service::S3),
    column(72, "s3_object_key", Text, First(&["requestParameters.key"]), "Object key of the request, as sent.").only(Service::S3),
    column(73, "s3_object_version_id", Text, First(&["requestParameters.versionId", "responseElements.x-amz-version-id"]), "Object version asked for, else the one made.").only(Service::S3),
    column(74, "s3_prefix", Text, First(&["requestParameters.prefix"]), "Prefix of a listing.").only(Service::S3),
    column(75, "s3_upload_id", Text, First(&["requestParameters.uploadId"]), "Multipart upload.").only(Service::S3),
    column(76, "s3_copy_source", Text, First(&["requestParameters.x-amz-copy-source"]), "Source of a copy, bucket/key as sent.").only(Service::S3),
    column(77, "s3_acl", Text, First(&["requestParameters.x-amz-acl"]), "Canned ACL asked for.").only(Service::S3),
    column(78, "s3_sse", Text, First(&["responseElements.x-amz-server-side-encryption", "requestParameters.x-amz-server-side-encryption"]), "Server-side encryption applied, else asked for.").only(Service::S3),
    column(79, "s3_sse_kms_key_id", Text, First(&["responseElements.x-amz-server-side-encryption-aws-kms-key-id", "requestParameters.x-amz-server-side-encryption-aws-kms-key-id"]), "KMS key applied, else asked for.").only(Service::S3),
    column(80, "s3_sse_applied", Text, First(&["additionalEventData.SSEApplied"]), "Default_SSE_S3, SSE_S3, SSE_KMS, SSE_C, ...").only(Service::S3),
    column(81, "s3_authentication_method", Text, First(&["additionalEventData.AuthenticationMethod"]), "AuthHeader, or QueryString for presigned requests and the console.").only(Service::S3),
    column(82, "s3_signature_version", Text, First(&["additionalEventData.SignatureVersion"]), "SigV2 or SigV4.").only(Service::S3),
    column(83, "s3_bytes_in", BigInt, First(&["additionalEventData.bytesTransferredIn"]), "Bytes received, framing included: not the size of the object.").only(Service::S3),
    column(84, "s3_bytes_out", BigInt, First(&["additionalEventData.bytesTransferredOut"]), "Bytes sent.").only(Service::S3),
    column(85, "s3_object_size", BigInt, First(&["additionalEventData.objectSize"]), "Size of the object in bytes; -1 after some failures.").only(Service::S3),
    column(86, "s3_http_status", BigInt, First(&["additionalEventData.httpStatusCode"]), "HTTP status of the answer.").only(Service::S3),
    column(87, "s3_bucket_owner_account_id", Text, BucketOwner, "Account of the first bucket among the resources.").only(Service::S3),
    column(88, "ec2_instance_ids", List, Every(&["instanceId"], ""), "Every instance id in request and response.").only(Service::Ec2),
    column(89, "ec2_image_ids", List, Every(&["imageId"], ""), "Every image id in request and response.").only(Service::Ec2),
    column(90, "ec2_volume_ids", List, Every(&["volumeId"], ""), "Every volume id in request and response.").only(Service::Ec2),
    column(91, "ec2_snapshot_ids", List, Every(&["snapshotId"], ""), "Every snapshot id in request and response.").only(Service::Ec2),
    column(92, "ec2_network_interface_ids", List, Every(&["networkInterfaceId"], ""), "Every network interface id in request and response.").only(Service::Ec2),
    column(93, "ec2_subnet_ids", List, Every(&["subnetId"], ""), "Every subnet id in request and response.").only(Service::Ec2),
    column(94, "ec2_vpc_ids", List, Every(&["vpcId"], ""), "Every VPC id in request and response.").only(Service::Ec2),
    column(95, "ec2_security_group_ids", List, Every(&["groupId"], "sg-"), "Every security group id in request and response.").only(Service::Ec2),
    column(96, "ec2_private_ip_addresses", List, Every(&["privateIpAddress"], ""), "Every private address in request and response.").only(Service::Ec2),
    column(97, "ec2_public_ip_addresses", List, Every(&["publicIp", "publicIpAddress"], ""), "Every public address in request and response.").only(Service::Ec2),
    column(98, "ec2_instance_type", Text, Find(&["instanceType"]), "The first instance type.").only(Service::Ec2),
    column(99, "ec2_key_name", Text, Find(&["keyName"]), "The first key pair name.").only(Service::Ec2),
    column(100, "ec2_availability_zone", Text, Find(&["availabilityZone", "zone"]), "The first availability zone.").only(Service::Ec2),
    column(101, "ec2_iam_instance_profile", Text, FindIn(&["iamInstanceProfile"], &["name", "arn"]), "Name, else ARN, of the first instance profile.").only(Service::Ec2),
    column(102, "ec2_state", Text, FindIn(&["currentState", "instanceState"], &["name"]), "State of the first instance after the call.").only(Service::Ec2),
    column(103, "ec2_previous_state", Text, FindIn(&["previousState"], &["name"]), "State of the first instance before the call.").only(Service::Ec2),
    column(104, "ec2_ip_rules", List, IpRules, "Rules of a security group change: protocol from-to target.").only(Service::Ec2),
    column(105, "ec2_shared_with", List, SharedWith, "Accounts, groups and organizations a snapshot or image was shared with.").only(Service::Ec2),
    column(106, "unmapped", Json, Unmapped, "What the columns do not hold exactly, under its own path; laid over them it restores the record."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_what_athena_takes_and_unique() {
        let mut seen = HashSet::new();
        for column in COLUMNS {
            assert!(seen.insert(column.name), "{} twice", column.name);
            assert!(column.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            assert!(column.name.as_bytes()[0].is_ascii_lowercase(), "{}", column.name);
            assert!(!["category", "event_date", "account_id", "region"].contains(&column.name), "a partition column");
            assert!(!column.doc.is_empty() && column.doc.ends_with(['.', ',']), "{}", column.name);
        }
    }

    #[test]
    fn ids_are_unique_and_fixed() {
        let mut seen = HashSet::new();
        for column in COLUMNS {
            assert!(column.id > 0 && column.id < 1000);
            assert!(seen.insert(column.id), "id {} twice", column.id);
        }
        // Ids that files in the world already carry; a new column gets a new id at whatever place it stands.
        for (name, id) in [("event_time", 1), ("event_id", 2), ("user_arn", 25), ("unmapped", 106)] {
            assert_eq!(COLUMNS[index_of(name)].id, id, "{name}");
        }
    }

    #[test]
    fn member_paths_are_unique_and_no_path_is_another_ones_parent() {
        let paths: Vec<&str> = COLUMNS.iter().filter_map(Column::member).collect();
        for (i, a) in paths.iter().enumerate() {
            for b in &paths[i + 1..] {
                assert_ne!(a, b);
                assert!(!a.starts_with(&format!("{b}.")) && !b.starts_with(&format!("{a}.")), "{a} {b}");
            }
        }
    }

    #[test]
    fn prefixes_say_the_service() {
        for column in COLUMNS {
            assert_eq!(column.name.starts_with("s3_"), column.only == Some(Service::S3), "{}", column.name);
            assert_eq!(column.name.starts_with("ec2_"), column.only == Some(Service::Ec2), "{}", column.name);
        }
    }

    #[test]
    fn source_and_kind_fit() {
        for column in COLUMNS {
            let fits = match column.source {
                Member(_) => matches!(column.kind, Text | Bool | Timestamp | Json),
                MemberQuoted(_) => column.kind == Bool,
                First(_) => matches!(column.kind, Text | BigInt),
                Entries(_) | Everywhere(_) | Every(..) | IpRules | SharedWith => column.kind == List,
                Find(_) | FindIn(..) | BucketOwner | Outcome | Bridge(_) | LogFile => column.kind == Text,
                Unmapped => column.kind == Json,
            };
            assert!(fits, "{}", column.name);
        }
    }
}
