-- Who created or changed identities that let someone come back: users, keys, logins, roles, policies, trust?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: IAM management events (us-east-1), STS, IAM Roles Anywhere and IAM Identity Center.
-- Blind spots: infrastructure tools make the same calls. What a policy grants must be read in it. Passwords and
--   secret keys are never recorded. Failed and denied attempts are listed, see outcome.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    user_agent,
    event_source,
    event_name,
    coalesce(
        json_extract_scalar(request_parameters, '$.userName'),
        json_extract_scalar(request_parameters, '$.roleName'),
        json_extract_scalar(request_parameters, '$.groupName'),
        json_extract_scalar(request_parameters, '$.name'),
        json_extract_scalar(request_parameters, '$.instanceProfileName')
    ) AS target,
    coalesce(
        json_extract_scalar(request_parameters, '$.policyArn'),
        json_extract_scalar(request_parameters, '$.policyName'),
        issued_access_key_id
    ) AS policy_or_key,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'management'
    AND (
        (
            event_source = 'iam.amazonaws.com'
            AND event_name IN (
                'CreateUser', 'CreateAccessKey', 'UpdateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile',
                'ChangePassword', 'DeactivateMFADevice', 'DeleteVirtualMFADevice', 'EnableMFADevice',
                'CreateServiceSpecificCredential', 'UploadSSHPublicKey', 'UploadSigningCertificate', 'AddUserToGroup',
                'AttachUserPolicy', 'AttachGroupPolicy', 'AttachRolePolicy', 'PutUserPolicy', 'PutGroupPolicy',
                'PutRolePolicy', 'CreatePolicyVersion', 'SetDefaultPolicyVersion', 'DeleteUserPermissionsBoundary',
                'DeleteRolePermissionsBoundary', 'CreateRole', 'UpdateAssumeRolePolicy', 'AddRoleToInstanceProfile',
                'CreateSAMLProvider', 'UpdateSAMLProvider', 'CreateOpenIDConnectProvider',
                'UpdateOpenIDConnectProviderThumbprint', 'AddClientIDToOpenIDConnectProvider'
            )
        )
        OR (event_source = 'sts.amazonaws.com' AND event_name = 'GetFederationToken')
        OR (
            event_source = 'rolesanywhere.amazonaws.com'
            AND event_name IN (
                'CreateTrustAnchor', 'UpdateTrustAnchor', 'EnableTrustAnchor', 'CreateProfile', 'UpdateProfile'
            )
        )
        OR (
            event_source IN ('sso.amazonaws.com', 'sso-directory.amazonaws.com', 'identitystore.amazonaws.com')
            AND event_name IN (
                'CreatePermissionSet', 'CreateAccountAssignment', 'AttachManagedPolicyToPermissionSet',
                'PutInlinePolicyToPermissionSet', 'CreateUser', 'CreateGroupMembership', 'AddMemberToGroup'
            )
        )
    )
ORDER BY event_time, event_id
