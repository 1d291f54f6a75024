# One readable sentence to a person for chosen events, while the lake gathers all of them. Each alert is a rule of its own:
# a pattern, the members that the sentence takes from the event, and the sentence.

locals {
  alerts = { for name, alert in local.known_alerts : name => alert if contains(coalesce(var.alerts, keys(local.known_alerts)), name) }

  everyone     = ["http://acs.amazonaws.com/groups/global/AllUsers", "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"]
  public_acls  = ["public-read", "public-read-write", "authenticated-read"]
  ipv4_world   = ["0.0.0.0/0"]
  ipv6_world   = ["::/0"]
  shared_world = { add = { items = { group = ["all"] } } }

  # What every sentence may use.
  alert_members = {
    account = "$.account"
    event   = "$.detail.eventName"
    id      = "$.detail.eventID"
    ip      = "$.detail.sourceIPAddress"
    region  = "$.detail.awsRegion"
    time    = "$.detail.eventTime"
    who     = "$.detail.userIdentity.arn"
  }

  # `detail` is what stands beside "it succeeded" in the pattern's detail. A list of objects means any of them.
  known_alerts = {
    root_use = {
      pattern = {
        detail = {
          eventType    = [{ "anything-but" = ["AwsServiceEvent"] }]
          readOnly     = [false]
          userIdentity = { type = ["Root"], invokedBy = [{ exists = false }] }
        }
      }
      members  = { service = "$.detail.eventSource" }
      sentence = "Root of account <account> called <event> of <service> in <region> at <time> from <ip>. Event <id>."
    }

    bucket_made_public = {
      pattern = {
        source = ["aws.s3"]
        detail = {
          "$or" = [
            { requestParameters = { bucketPolicy = { Statement = { Effect = ["Allow"], Principal = ["*"] } } } },
            { requestParameters = { bucketPolicy = { Statement = { Effect = ["Allow"], Principal = { AWS = ["*"] } } } } },
            { requestParameters = { "x-amz-acl" = local.public_acls } },
            { requestParameters = { "X-Amz-Acl" = local.public_acls } },
            { requestParameters = { AccessControlPolicy = { AccessControlList = { Grant = { Grantee = { URI = local.everyone } } } } } },
            { requestParameters = { PublicAccessBlockConfiguration = { BlockPublicAcls = [false] } } },
            { requestParameters = { PublicAccessBlockConfiguration = { IgnorePublicAcls = [false] } } },
            { requestParameters = { PublicAccessBlockConfiguration = { BlockPublicPolicy = [false] } } },
            { requestParameters = { PublicAccessBlockConfiguration = { RestrictPublicBuckets = [false] } } },
            { eventName = ["DeleteBucketPublicAccessBlock", "DeleteAccountPublicAccessBlock"] },
          ]
        }
      }
      members  = { bucket = "$.detail.requestParameters.bucketName" }
      sentence = "<who> may have made bucket <bucket> or an object in it public (<event>) in account <account>, <region>, at <time> from <ip>. Event <id>."
    }

    security_group_opened = {
      pattern = {
        source = ["aws.ec2"]
        detail = {
          eventName = ["AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules"]
          # EC2 writes the same request in these forms, depending on who calls.
          requestParameters = {
            "$or" = [
              { ipPermissions = { items = { ipRanges = { items = { cidrIp = local.ipv4_world } } } } },
              { ipPermissions = { items = { ipv6Ranges = { items = { cidrIpv6 = local.ipv6_world } } } } },
              { ipPermissions = { ipRanges = { cidrIp = local.ipv4_world } } },
              { ipPermissions = { ipv6Ranges = { cidrIpv6 = local.ipv6_world } } },
              { cidrIp = local.ipv4_world },
              { cidrIpv6 = local.ipv6_world },
              { AuthorizeSecurityGroupIngressRequest = { IpPermissions = { IpRanges = { CidrIp = local.ipv4_world } } } },
              { AuthorizeSecurityGroupIngressRequest = { IpPermissions = { Ipv6Ranges = { CidrIpv6 = local.ipv6_world } } } },
              { ModifySecurityGroupRulesRequest = { SecurityGroupRule = { SecurityGroupRule = { CidrIpv4 = local.ipv4_world } } } },
              { ModifySecurityGroupRulesRequest = { SecurityGroupRule = { SecurityGroupRule = { CidrIpv6 = local.ipv6_world } } } },
            ]
          }
        }
      }
      members  = {}
      sentence = "<who> opened a security group to the whole internet (<event>) in account <account>, <region>, at <time> from <ip>. Event <id>."
    }

    trail_stopped = {
      pattern = {
        source = ["aws.cloudtrail"]
        detail = { eventName = ["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"] }
      }
      members  = { trail = "$.detail.requestParameters.name", selectors_of = "$.detail.requestParameters.trailName" }
      sentence = "<who> stopped or changed the trail <trail><selectors_of> (<event>) in account <account>, <region>, at <time> from <ip>: what happens now may not be recorded. Event <id>."
    }

    shared_with_everyone = {
      pattern = {
        source = ["aws.ec2"]
        detail = {
          eventName = ["ModifySnapshotAttribute", "ModifyImageAttribute"]
          requestParameters = {
            "$or" = [{ createVolumePermission = local.shared_world }, { launchPermission = local.shared_world }]
          }
        }
      }
      members  = { snapshot = "$.detail.requestParameters.snapshotId", image = "$.detail.requestParameters.imageId" }
      sentence = "<who> shared <snapshot><image> with every AWS account (<event>) in account <account>, <region>, at <time> from <ip>. Event <id>."
    }

    key_disabled = {
      pattern = {
        source = ["aws.kms"]
        detail = { eventName = ["DisableKey", "ScheduleKeyDeletion"] }
      }
      members  = { key = "$.detail.requestParameters.keyId" }
      sentence = "<who> disabled the key <key> or scheduled its deletion (<event>) in account <account>, <region>, at <time> from <ip>. Event <id>."
    }

    console_login_without_mfa = {
      pattern = {
        source = ["aws.signin"]
        detail = {
          eventName           = ["ConsoleLogin"]
          userIdentity        = { type = ["IAMUser", "Root"] }
          responseElements    = { ConsoleLogin = ["Success"] }
          additionalEventData = { MFAUsed = ["No"] }
        }
      }
      members  = {}
      sentence = "<who> signed in to the console of account <account> without a second factor at <time> from <ip>. Event <id>."
    }

    lake_changed = {
      pattern = {
        source = ["aws.s3"]
        detail = {
          requestParameters = { bucketName = [var.lake_bucket] }
          eventName = [
            "DeleteBucket", "DeleteBucketEncryption", "DeleteBucketPolicy", "DeleteObject", "DeleteObjects", "PutBucketAcl",
            "PutBucketEncryption", "PutBucketLifecycle", "PutBucketPolicy", "PutBucketReplication", "PutBucketVersioning",
          ]
        }
      }
      members  = { bucket = "$.detail.requestParameters.bucketName", key = "$.detail.requestParameters.key" }
      sentence = "<who> deleted from the lake <bucket> or changed how it is protected (<event> <key>) in account <account> at <time> from <ip>. Event <id>."
    }
  }

  topics = {
    alerts = { emails = var.alert_emails, about = "What somebody did, one sentence each" }
    page   = { emails = var.page_emails, about = "Alarms to act on now" }
    ticket = { emails = var.ticket_emails, about = "Alarms to look at within days" }
  }
}

resource "aws_cloudwatch_event_rule" "alerts" {
  for_each = local.alerts

  name        = "${var.name}-alert-${replace(each.key, "_", "-")}"
  description = "Alert: ${replace(each.key, "_", " ")}"
  event_pattern = jsonencode(merge(
    { "detail-type" = [{ suffix = " via CloudTrail" }] },
    each.value.pattern,
    # Attempts that failed are for the queries: nothing has happened.
    { detail = merge(each.value.pattern.detail, { errorCode = [{ exists = false }] }) },
  ))
}

resource "aws_cloudwatch_event_target" "alerts" {
  for_each = aws_cloudwatch_event_rule.alerts

  rule      = each.value.name
  target_id = "alerts"
  arn       = aws_sns_topic.this["alerts"].arn

  input_transformer {
    input_paths    = merge(local.alert_members, local.known_alerts[each.key].members)
    input_template = "\"${local.known_alerts[each.key].sentence}\""
  }
  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }

  depends_on = [aws_sns_topic_policy.this, aws_sqs_queue_policy.undelivered]
}

resource "aws_sns_topic" "this" {
  for_each = local.topics

  name              = "${var.name}-${each.key}"
  display_name      = "${var.name} ${each.key}"
  kms_master_key_id = local.key_arn
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.topics

  arn    = aws_sns_topic.this[each.key].arn
  policy = data.aws_iam_policy_document.topic[each.key].json
}

data "aws_iam_policy_document" "topic" {
  for_each = local.topics

  statement {
    sid       = each.key == "alerts" ? "AlertRulesPublish" : "AlarmsPublish"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this[each.key].arn]

    principals {
      type        = "Service"
      identifiers = [each.key == "alerts" ? "events.amazonaws.com" : "cloudwatch.amazonaws.com"]
    }
    # AWS documents that EventBridge brings nothing to the policy of a topic that a condition could look at: with one, no
    # alert would arrive.
    dynamic "condition" {
      for_each = each.key == "alerts" ? [] : [1]

      content {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = ["arn:${local.partition}:cloudwatch:${var.region}:${local.account}:alarm:${var.name}-*"]
      }
    }
  }
}

resource "aws_sns_topic_subscription" "email" {
  for_each = merge([
    for topic, settings in local.topics : { for address in settings.emails : "${topic} ${address}" => { topic = topic, address = address } }
  ]...)

  topic_arn = aws_sns_topic.this[each.value.topic].arn
  protocol  = "email"
  endpoint  = each.value.address
}
