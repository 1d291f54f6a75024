# What other configurations, and people, need to know of this one.

output "rule_arns" {
  description = "Rules that take events, by source."
  value       = { for key, rule in aws_cloudwatch_event_rule.events : key => rule.arn }
}

output "event_patterns" {
  description = "Their patterns, for `aws events test-event-pattern`."
  value       = local.event_patterns
}

output "alert_rule_arns" {
  description = "Rules of the alerts, by name."
  value       = { for key, rule in aws_cloudwatch_event_rule.alerts : key => rule.arn }
}

output "queue_url" {
  description = "Queue that the function empties; null where events are delivered directly."
  value       = one(aws_sqs_queue.events[*].id)
}

output "dead_letter_queue_url" {
  description = "Queue of what could not be stored."
  value       = aws_sqs_queue.dead_letters.id
}

output "undelivered_queue_url" {
  description = "Queue of what EventBridge could not deliver."
  value       = aws_sqs_queue.undelivered.id
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_role_arn" {
  description = "Role of the function."
  value       = aws_iam_role.function.arn
}

output "repository_url" {
  description = "Repository for the function's image; null with package type Zip."
  value       = one(aws_ecr_repository.function[*].repository_url)
}

output "bucket" {
  description = "The lake's bucket."
  value       = local.lake_bucket
}

output "lake_url" {
  description = "Address of the lake, as trailsink's --to takes it."
  value       = local.lake_url
}

output "key_arn" {
  description = "Key that encrypts lake, logs and topics."
  value       = local.key_arn
}

output "database" {
  description = "Glue database."
  value       = aws_glue_catalog_database.this.name
}

output "table" {
  description = "Table of events."
  value       = aws_glue_catalog_table.events.name
}

output "views" {
  description = "Views in the database."
  value       = [for view in aws_glue_catalog_table.views : view.name]
}

output "workgroup" {
  description = "Athena workgroup with the saved queries."
  value       = aws_athena_workgroup.this.name
}

output "analyst_policy" {
  description = "Policy for whoever may query the lake: JSON to attach to a role."
  value       = data.aws_iam_policy_document.analyst.json
}

output "topic_arns" {
  description = "Topics: alerts, page and ticket."
  value       = { for key, topic in aws_sns_topic.this : key => topic.arn }
}

output "dashboard_url" {
  description = "The dashboard in the console."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}
