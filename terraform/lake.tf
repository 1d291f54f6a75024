# The lake's bucket: events/, rejected/ and Athena's results, each with a lifecycle of its own.

locals {
  lake_bucket_arn = "arn:${local.partition}:s3:::${var.lake_bucket}"
  lake_folder     = var.lake_prefix == "" ? "" : "${var.lake_prefix}/"
  # The one address of the lake: the function writes there, the tables look there.
  lake_url = var.lake_prefix == "" ? "s3://${local.lake_bucket}" : "s3://${local.lake_bucket}/${var.lake_prefix}"
  # Through the resource, so that nothing uses the bucket before it is there.
  lake_bucket = var.create_lake_bucket ? aws_s3_bucket.lake[0].bucket : data.aws_s3_bucket.lake[0].bucket
}

resource "aws_s3_bucket" "lake" {
  #checkov:skip=CKV_AWS_18:Access is logged by CloudTrail as data events, which are rows of this very lake, by name and role and not best effort by address.
  #checkov:skip=CKV_AWS_144:A second region doubles the cost; replicate in the account's backup plan where the lake must outlive a region.
  #checkov:skip=CKV2_AWS_62:Nothing waits for new objects: the tables find them by projection.
  count = var.create_lake_bucket ? 1 : 0

  bucket        = var.lake_bucket
  force_destroy = var.force_destroy
}

data "aws_s3_bucket" "lake" {
  count = var.create_lake_bucket ? 0 : 1

  bucket = var.lake_bucket

  lifecycle {
    postcondition {
      condition     = self.region == var.region
      error_message = "lake_bucket: ${var.lake_bucket} is in ${self.region}, not in ${var.region}. Take a bucket of the function's region (others cost transfer for every file and Athena cannot read them with its workgroup), or set region = \"${self.region}\"."
    }
  }
}

resource "aws_s3_bucket_public_access_block" "lake" {
  count = var.create_lake_bucket ? 1 : 0

  bucket                  = aws_s3_bucket.lake[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  count = var.create_lake_bucket ? 1 : 0

  bucket = aws_s3_bucket.lake[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  count = var.create_lake_bucket ? 1 : 0

  bucket = aws_s3_bucket.lake[0].id

  rule {
    # One call to KMS serves many objects.
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  count = var.create_lake_bucket ? 1 : 0

  bucket = aws_s3_bucket.lake[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  count = var.create_lake_bucket ? 1 : 0

  bucket = aws_s3_bucket.lake[0].id

  # What was deleted or overwritten can be brought back for a month.
  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # Off where events are kept for ever; a rule that comes and goes would be hard to see.
  rule {
    id     = "events"
    status = var.events_retention_days == null ? "Disabled" : "Enabled"

    filter {
      prefix = "${local.lake_folder}events/"
    }
    expiration {
      days = coalesce(var.events_retention_days, 36500)
    }
  }

  rule {
    id     = "rejected"
    status = "Enabled"

    filter {
      prefix = "${local.lake_folder}rejected/"
    }
    expiration {
      days = var.rejected_retention_days
    }
  }

  rule {
    id     = "query-results"
    status = "Enabled"

    filter {
      prefix = "${local.lake_folder}athena-results/"
    }
    expiration {
      days = var.query_results_retention_days
    }
  }

  # S3 wants versioning to be set before rules about versions.
  depends_on = [aws_s3_bucket_versioning.lake]
}

resource "aws_s3_bucket_policy" "lake" {
  count = var.create_lake_bucket ? 1 : 0

  bucket = aws_s3_bucket.lake[0].id
  policy = data.aws_iam_policy_document.lake.json

  # Both change what a policy may say, and S3 refuses two such changes at once.
  depends_on = [aws_s3_bucket_public_access_block.lake]
}

data "aws_iam_policy_document" "lake" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.lake_bucket_arn, "${local.lake_bucket_arn}/*"]

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
