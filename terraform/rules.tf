# Which events are taken: one rule a source, or one for all.

locals {
  # Key: the end of the rule's name. S3 and EC2 also send events of their own (Object Created, state changes): those do not end so.
  event_patterns = {
    for key, source in { for source in var.sources : (source == "*" ? "all" : trimprefix(source, "aws.")) => source } : key => jsonencode(merge(
      { "detail-type" = [{ suffix = " via CloudTrail" }] },
      { for member, value in { source = [source] } : member => value if source != "*" },
      {
        detail = merge(
          { userIdentity = local.not_by_this_function },
          { for member, value in { eventName = local.event_names[source] } : member => value if contains(keys(var.event_names), source) },
          { for member, value in { requestParameters = local.of_these_buckets } : member => value if source == "aws.s3" && length(var.buckets) > 0 },
        )
      },
    ))
  }

  event_names = {
    for source in var.sources : source => concat(
      [for name in lookup(var.event_names, source, []) : name if !strcontains(name, "*")],
      [for name in lookup(var.event_names, source, []) : { wildcard = name } if strcontains(name, "*")],
    )
  }

  # The function's own puts are data events of the lake's bucket: taken, each would make the next. People's are taken.
  # anything-but alone would lose whatever has no session: it matches only where the member is there.
  not_by_this_function = {
    "$or" = [
      { sessionContext = { sessionIssuer = { arn = [{ exists = false }] } } },
      { sessionContext = { sessionIssuer = { arn = [{ "anything-but" = [local.function_role_arn] }] } } },
    ]
  }

  of_these_buckets = {
    "$or" = [
      { bucketName = [{ exists = false }] },
      { bucketName = var.buckets },
    ]
  }
}

resource "aws_cloudwatch_event_rule" "events" {
  for_each = local.event_patterns

  name          = "${var.name}-${each.key}"
  description   = "CloudTrail events of ${each.key == "all" ? "every service" : "aws.${each.key}"} for the lake"
  event_pattern = each.value
  state         = var.read_only_management_events ? "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" : "ENABLED"
}

resource "aws_cloudwatch_event_target" "events" {
  for_each = aws_cloudwatch_event_rule.events

  rule      = each.value.name
  target_id = local.queued ? "queue" : "function"
  arn       = local.queued ? aws_sqs_queue.events[0].arn : aws_lambda_function.this.arn

  # What EventBridge cannot deliver within a day goes where an alarm looks. No input transformer: the event as it came.
  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }

  # A rule without leave to send would fill the undelivered queue.
  depends_on = [aws_sqs_queue_policy.events, aws_sqs_queue_policy.undelivered]
}

# Other accounts' forwarders put events on this bus. Other regions of this account do so by their role.
resource "aws_cloudwatch_event_permission" "forwarders" {
  for_each = toset(var.forwarding_accounts)

  principal    = each.value
  statement_id = "${var.name}-${each.value}"
  action       = "events:PutEvents"
}
