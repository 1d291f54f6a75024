//! Columns that hold a member of the record, and what they cannot hold.

use super::json::{Kind, Member, Value};
use super::time::{millis, wire_time};
use super::{Cell, Row};

#[derive(Clone, Copy)]
pub(super) enum Form {
    Text,
    Bool,
    /// A bool that CloudTrail sends as the string "true" or "false".
    QuotedBool,
    Time,
    Json,
}

use Form::{Bool, Json, QuotedBool, Text, Time};

#[rustfmt::skip]
pub(super) const WIRE: &[(&str, &str, Form)] = &[
    ("event_time", "eventTime", Time),
    ("event_id", "eventID", Text),
    ("event_name", "eventName", Text),
    ("event_source", "eventSource", Text),
    ("event_type", "eventType", Text),
    ("event_category", "eventCategory", Text),
    ("event_version", "eventVersion", Text),
    ("aws_region", "awsRegion", Text),
    ("source_ip_address", "sourceIPAddress", Text),
    ("user_agent", "userAgent", Text),
    ("error_code", "errorCode", Text),
    ("error_message", "errorMessage", Text),
    ("read_only", "readOnly", Bool),
    ("management_event", "managementEvent", Bool),
    ("request_id", "requestID", Text),
    ("shared_event_id", "sharedEventID", Text),
    ("api_version", "apiVersion", Text),
    ("recipient_account_id", "recipientAccountId", Text),
    ("vpc_endpoint_id", "vpcEndpointId", Text),
    ("vpc_endpoint_account_id", "vpcEndpointAccountId", Text),
    ("session_credential_from_console", "sessionCredentialFromConsole", QuotedBool),
    ("user_type", "userIdentity.type", Text),
    ("user_principal_id", "userIdentity.principalId", Text),
    ("user_arn", "userIdentity.arn", Text),
    ("user_account_id", "userIdentity.accountId", Text),
    ("user_access_key_id", "userIdentity.accessKeyId", Text),
    ("user_name", "userIdentity.userName", Text),
    ("user_invoked_by", "userIdentity.invokedBy", Text),
    ("user_identity_provider", "userIdentity.identityProvider", Text),
    ("user_credential_id", "userIdentity.credentialId", Text),
    ("user_on_behalf_of_user_id", "userIdentity.onBehalfOf.userId", Text),
    ("user_on_behalf_of_identity_store_arn", "userIdentity.onBehalfOf.identityStoreArn", Text),
    ("user_invoked_by_delegate_account_id", "userIdentity.invokedByDelegate.accountId", Text),
    ("user_in_scope_of", "userIdentity.inScopeOf", Json),
    ("session_issuer_type", "userIdentity.sessionContext.sessionIssuer.type", Text),
    ("session_issuer_principal_id", "userIdentity.sessionContext.sessionIssuer.principalId", Text),
    ("session_issuer_arn", "userIdentity.sessionContext.sessionIssuer.arn", Text),
    ("session_issuer_account_id", "userIdentity.sessionContext.sessionIssuer.accountId", Text),
    ("session_issuer_user_name", "userIdentity.sessionContext.sessionIssuer.userName", Text),
    ("session_creation_date", "userIdentity.sessionContext.attributes.creationDate", Time),
    ("session_mfa_authenticated", "userIdentity.sessionContext.attributes.mfaAuthenticated", QuotedBool),
    ("session_source_identity", "userIdentity.sessionContext.sourceIdentity", Text),
    ("session_ec2_role_delivery", "userIdentity.sessionContext.ec2RoleDelivery", Text),
    ("session_assumed_root", "userIdentity.sessionContext.assumedRoot", Text),
    ("session_web_id_federated_provider", "userIdentity.sessionContext.webIdFederationData.federatedProvider", Text),
    ("tls_version", "tlsDetails.tlsVersion", Text),
    ("tls_cipher_suite", "tlsDetails.cipherSuite", Text),
    ("tls_client_provided_host_header", "tlsDetails.clientProvidedHostHeader", Text),
    ("request_parameters", "requestParameters", Json),
    ("response_elements", "responseElements", Json),
    ("additional_event_data", "additionalEventData", Json),
    ("service_event_details", "serviceEventDetails", Json),
    ("resources", "resources", Json),
    ("insight_details", "insightDetails", Json),
    ("addendum", "addendum", Json),
    ("event_context", "eventContext", Json),
    ("edge_device_details", "edgeDeviceDetails", Json),
];

/// The value as the column holds it, if it can, and whether that is exactly what was received.
fn read(form: Form, value: &Value) -> (Option<Cell>, bool) {
    let string = value.string();
    match form {
        Text => (value.text().map(Cell::Text), string.is_some()),
        Bool => (value.truth().map(Cell::Bool), matches!(value.kind, Kind::Bool(_))),
        QuotedBool => {
            let exact = matches!(string.as_deref(), Some("true" | "false"));
            (value.truth().map(Cell::Bool), exact)
        }
        Time => {
            let ms = string.as_deref().and_then(millis);
            let exact = ms.is_some() && ms.map(wire_time) == string;
            (ms.map(Cell::Time), exact)
        }
        Json => (Some(Cell::Json(value.raw.to_string())), true),
    }
}

/// Fills the columns of WIRE and returns the members of `unmapped`: "Whatever the columns do not
/// hold exactly (a field nobody knows, a member of an unexpected type or form) goes, under its own
/// path, into the json column `unmapped`".
pub(super) fn wire_columns(members: &[Member], path: &mut Vec<String>, row: &mut Row) -> Vec<String> {
    let mut unmapped = Vec::new();
    for m in members.iter().filter(|m| !m.value.is_null()) {
        // A key with a lone surrogate is like no other.
        path.push(String::from_utf16(&m.key).unwrap_or("\0".to_string()));
        let here = |full: &str| full.split('.').eq(path.iter());
        let above = |full: &str| {
            let steps: Vec<&str> = full.split('.').collect();
            steps.len() > path.len() && steps.iter().zip(path.iter()).all(|(a, b)| a == b)
        };
        let column = WIRE.iter().find(|(_, full, _)| here(full));
        let known_object = WIRE.iter().any(|(_, full, _)| above(full));
        let verbatim = Some(m.value.raw.to_string());
        let rest = match (&m.value.kind, column) {
            (_, Some((column, _, form))) => {
                let (cell, exact) = read(*form, &m.value);
                row.extend(cell.map(|c| (*column, c)));
                if exact { None } else { verbatim }
            }
            // "and, inside userIdentity and tlsDetails, members that are `{}`" are left out.
            (Kind::Object(inner), _) if known_object && inner.is_empty() && path.len() > 1 => None,
            (Kind::Object(inner), _) if known_object => {
                let cells = row.len();
                let rest = wire_columns(inner, path, row);
                match (rest.is_empty(), row.len() == cells) {
                    (true, true) => verbatim, // nothing else would bring this object back
                    (true, false) => None,
                    (false, _) => Some(format!("{{{}}}", rest.join(","))),
                }
            }
            _ => verbatim,
        };
        unmapped.extend(rest.map(|rest| format!("{}:{rest}", m.spelled)));
        path.pop();
    }
    unmapped
}
