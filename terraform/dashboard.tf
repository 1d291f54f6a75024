# The numbers behind the alarms, from left to right as an event travels.

locals {
  # Two in a row. A metric is [namespace, name, dimension, value].
  charts = concat(
    [
      { title = "Events matched by the rules", stat = "Sum", metrics = [for key, rule in aws_cloudwatch_event_rule.events : ["AWS/Events", "MatchedEvents", "RuleName", rule.name]] },
      { title = "Deliveries that failed", stat = "Sum", metrics = [for key, rule in aws_cloudwatch_event_rule.events : ["AWS/Events", "FailedInvocations", "RuleName", rule.name]] },
    ],
    [
      for chart in [
        { title = "Messages waiting", stat = "Maximum", metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-events"]] },
        { title = "Age of the oldest message, seconds", stat = "Maximum", metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "${var.name}-events"]] },
      ] : chart if local.queued
    ],
    [
      { title = "Invocations", stat = "Sum", metrics = [for metric in ["Invocations", "Errors", "Throttles"] : ["AWS/Lambda", metric, "FunctionName", var.name]] },
      { title = "Duration, milliseconds", stat = "p99", metrics = [["AWS/Lambda", "Duration", "FunctionName", var.name]] },
      { title = "Records: in = rows + duplicates + filtered + rejected", stat = "Sum", metrics = [for metric in local.counted : ["trailsink", metric, "FunctionName", var.name]] },
      { title = "Age of the oldest event when stored, seconds", stat = "Maximum", metrics = [["trailsink", "OldestEventAgeSeconds", "FunctionName", var.name]] },
      { title = "Files", stat = "Sum", metrics = [["trailsink", "FilesWritten", "FunctionName", var.name]] },
      { title = "Bytes of Parquet", stat = "Sum", metrics = [["trailsink", "BytesWritten", "FunctionName", var.name]] },
      { title = "Records with fields that no column knows", stat = "Sum", metrics = [["trailsink", "RecordsWithUnknownFields", "FunctionName", var.name]] },
      { title = "Dead letters and undelivered", stat = "Maximum", metrics = [for queue in [aws_sqs_queue.dead_letters.name, aws_sqs_queue.undelivered.name] : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue]] },
    ],
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [
      for index, chart in local.charts : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = chart.title
          region  = var.region
          stat    = chart.stat
          period  = 300
          view    = "timeSeries"
          metrics = chart.metrics
        }
      }
    ]
  })
}
