# A trail, for accounts without one: CloudTrail delivers to EventBridge only what a trail logs.

locals {
  trail_name = var.name
  # Put together, not read from the trail: its bucket and key must name it before it is there.
  trail_arn    = "arn:${local.partition}:cloudtrail:${var.region}:${local.account}:trail/${local.trail_name}"
  trail_bucket = "${var.name}-trail-${local.account}-${var.region}"

  # The trail's own files and the lake's are not logged with the other buckets' objects: the first would feed itself, and
  # the second has selectors of its own.
  unlogged_prefixes = ["arn:${local.partition}:s3:::${local.trail_bucket}/", "${local.lake_bucket_arn}/"]
  logged_prefixes   = [for bucket in var.trail_data_event_buckets : "arn:${local.partition}:s3:::${bucket}/"]
  function_sessions = "arn:${local.partition}:sts::${local.account}:assumed-role/${local.function_role_name}/"
}

resource "aws_cloudtrail" "this" {
  #checkov:skip=CKV_AWS_252:Nobody waits for new files of the trail; events come by EventBridge.
  count = var.create_trail ? 1 : 0

  name                          = local.trail_name
  s3_bucket_name                = aws_s3_bucket.trail[0].id
  kms_key_id                    = local.key_arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail[0].arn}:*"
  cloud_watch_logs_role_arn     = aws_iam_role.trail[0].arn

  advanced_event_selector {
    name = "Management events"

    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
  }

  advanced_event_selector {
    name = "Objects of the buckets"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field           = "resources.ARN"
      not_starts_with = local.unlogged_prefixes
      starts_with     = length(local.logged_prefixes) > 0 ? local.logged_prefixes : null
    }
  }

  # Who looks at the lake is of interest to whoever investigates. The function never reads it.
  advanced_event_selector {
    name = "Reads of the lake"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field  = "readOnly"
      equals = ["true"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["${local.lake_bucket_arn}/"]
    }
  }

  # Left out at the source, the function's own puts cost nothing; the rules leave them out a second time.
  advanced_event_selector {
    name = "Writes to the lake by others than the function"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field  = "readOnly"
      equals = ["false"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["${local.lake_bucket_arn}/"]
    }
    field_selector {
      field           = "userIdentity.arn"
      not_starts_with = [local.function_sessions]
    }
  }

  depends_on = [aws_s3_bucket_policy.trail, aws_iam_role_policy.trail]
}

resource "aws_s3_bucket" "trail" {
  #checkov:skip=CKV_AWS_18:Access logs of the logs of access would need a bucket of their own; log-file validation shows tampering.
  #checkov:skip=CKV_AWS_144:Log-file validation shows a loss; replicate in the account's backup plan where files must outlive a region.
  #checkov:skip=CKV2_AWS_62:Nothing waits for new files.
  count = var.create_trail ? 1 : 0

  bucket        = local.trail_bucket
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "trail" {
  count = var.create_trail ? 1 : 0

  bucket                  = aws_s3_bucket.trail[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "trail" {
  count = var.create_trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "trail" {
  count = var.create_trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "trail" {
  count = var.create_trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  rule {
    id     = "trail"
    status = "Enabled"

    filter {}

    expiration {
      days = var.trail_retention_days
    }
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.trail]
}

resource "aws_s3_bucket_policy" "trail" {
  count = var.create_trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id
  policy = data.aws_iam_policy_document.trail_bucket.json

  depends_on = [aws_s3_bucket_public_access_block.trail]
}

data "aws_iam_policy_document" "trail_bucket" {
  statement {
    sid       = "TrailChecks"
    actions   = ["s3:GetBucketAcl"]
    resources = ["arn:${local.partition}:s3:::${local.trail_bucket}"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }

  statement {
    sid       = "TrailWrites"
    actions   = ["s3:PutObject"]
    resources = ["arn:${local.partition}:s3:::${local.trail_bucket}/AWSLogs/${local.account}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:${local.partition}:s3:::${local.trail_bucket}", "arn:${local.partition}:s3:::${local.trail_bucket}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_cloudwatch_log_group" "trail" {
  count = var.create_trail ? 1 : 0

  name              = "/aws/cloudtrail/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.key_arn
}

resource "aws_iam_role" "trail" {
  count = var.create_trail ? 1 : 0

  name               = "${var.name}-trail-logs"
  description        = "The trail ${var.name}: writes its log group"
  assume_role_policy = data.aws_iam_policy_document.trail_trust.json
}

data "aws_iam_policy_document" "trail_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }
}

resource "aws_iam_role_policy" "trail" {
  count = var.create_trail ? 1 : 0

  name   = "least"
  role   = aws_iam_role.trail[0].id
  policy = data.aws_iam_policy_document.trail_logs[0].json
}

data "aws_iam_policy_document" "trail_logs" {
  count = var.create_trail ? 1 : 0

  statement {
    sid       = "WriteTheLogGroup"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.trail[0].arn}:log-stream:${local.account}_CloudTrail_*"]
  }
}

check "trail" {
  assert {
    condition     = var.create_trail || var.existing_trail != null
    error_message = "No trail is named. CloudTrail delivers to EventBridge only while a trail logs in this region, and only what that trail logs; S3 object events need its data event selectors. Name yours in existing_trail (`aws cloudtrail describe-trails`), or set create_trail = true."
  }
}
