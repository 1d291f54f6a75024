# What must not go unnoticed. Each alarm says how urgent it is and which section of README.md's runbook helps.

locals {
  alarms = merge(
    {
      dead-letters = {
        severity = "page"
        about    = "Messages that the function could not store"
        metric   = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", statistic = "Maximum" }
        of       = { QueueName = aws_sqs_queue.dead_letters.name }
        above    = 0, period = 300, periods = 1, missing = "notBreaching"
      }
      undelivered = {
        severity = "page"
        about    = "Events that EventBridge could not deliver"
        metric   = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", statistic = "Maximum" }
        of       = { QueueName = aws_sqs_queue.undelivered.name }
        above    = 0, period = 300, periods = 1, missing = "notBreaching"
      }
      function-errors = {
        severity = "page"
        about    = "Invocations that failed as a whole, three times 5 minutes on end"
        metric   = { namespace = "AWS/Lambda", name = "Errors", statistic = "Sum" }
        of       = { FunctionName = var.name }
        above    = 0, period = 300, periods = 3, missing = "notBreaching"
      }
      throttles = {
        severity = "ticket"
        about    = "Invocations that Lambda held back, three times 5 minutes on end"
        metric   = { namespace = "AWS/Lambda", name = "Throttles", statistic = "Sum" }
        of       = { FunctionName = var.name }
        above    = 0, period = 300, periods = 3, missing = "notBreaching"
      }
      rejected = {
        severity = "ticket"
        about    = "Messages that are no CloudTrail events; they are kept under rejected/"
        metric   = { namespace = "trailsink", name = "Rejected", statistic = "Sum" }
        of       = { FunctionName = var.name }
        above    = 0, period = 300, periods = 1, missing = "notBreaching"
      }
    },
    {
      for name, alarm in {
        oldest-message = {
          severity = "page"
          about    = "Events wait much longer than the window: the function does not keep up, or fails"
          metric   = { namespace = "AWS/SQS", name = "ApproximateAgeOfOldestMessage", statistic = "Maximum" }
          of       = { QueueName = "${var.name}-events" }
          # The window, one time-out and its redelivery fit into this.
          above = var.batching_window_seconds + 2 * (6 * var.timeout_seconds + var.batching_window_seconds), period = 300, periods = 2, missing = "notBreaching"
        }
      } : name => alarm if local.queued
    },
    {
      for key, rule in aws_cloudwatch_event_rule.events : "failed-invocations-${key}" => {
        severity = "page"
        about    = "EventBridge cannot invoke the target of the rule ${var.name}-${key}"
        metric   = { namespace = "AWS/Events", name = "FailedInvocations", statistic = "Sum" }
        of       = { RuleName = "${var.name}-${key}" }
        above    = 0, period = 300, periods = 1, missing = "notBreaching"
      }
    },
  )

  # Section of the runbook of an alarm; the rules share one.
  runbook = { for name, alarm in local.alarms : name => startswith(name, "failed-invocations-") ? "failed-invocations" : name }

  counted = ["RecordsIn", "RowsWritten", "Duplicates", "Filtered", "Rejected"]
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "[${each.value.severity}] ${each.value.about}. Runbook: terraform/README.md#${local.runbook[each.key]}"
  namespace           = each.value.metric.namespace
  metric_name         = each.value.metric.name
  statistic           = each.value.metric.statistic
  dimensions          = each.value.of
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.this[each.value.severity].arn]
  ok_actions          = [aws_sns_topic.this[each.value.severity].arn]
}

# Silence is the failure that nothing else shows: a stopped trail, a disabled rule, a function that is never invoked.
resource "aws_cloudwatch_metric_alarm" "silence" {
  alarm_name          = "${var.name}-silence"
  alarm_description   = "[page] No event for ${var.silence_minutes} minutes. Runbook: terraform/README.md#silence"
  namespace           = "trailsink"
  metric_name         = "RecordsIn"
  statistic           = "Sum"
  dimensions          = { FunctionName = var.name }
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 900
  evaluation_periods  = var.silence_minutes / 15
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.this["page"].arn]
  ok_actions          = [aws_sns_topic.this["page"].arn]
}

# Every record ends in exactly one place. Puts that fail and are tried again unbalance a while, so it must last.
resource "aws_cloudwatch_metric_alarm" "balance" {
  alarm_name          = "${var.name}-balance"
  alarm_description   = "[ticket] RecordsIn is not RowsWritten + Duplicates + Filtered + Rejected, for three times 15 minutes. Runbook: terraform/README.md#balance"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this["ticket"].arn]
  ok_actions          = [aws_sns_topic.this["ticket"].arn]

  metric_query {
    id          = "unaccounted"
    label       = "records without a place"
    expression  = "ABS(recordsin - rowswritten - duplicates - filtered - rejected)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.counted

    content {
      id = lower(metric_query.value)

      metric {
        namespace   = "trailsink"
        metric_name = metric_query.value
        dimensions  = { FunctionName = var.name }
        period      = 900
        stat        = "Sum"
      }
    }
  }
}
