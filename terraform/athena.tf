# Where people ask: a workgroup with its own place for results and a limit, and the queries of schemas/queries.

locals {
  queries = { for file in fileset("${local.schemas}/queries", "*.sql") : trimsuffix(file, ".sql") => file("${local.schemas}/queries/${file}") }
}

resource "aws_athena_workgroup" "this" {
  name          = var.name
  description   = "Queries of ${local.lake_url}"
  force_destroy = var.force_destroy

  configuration {
    # A client's own result location would be outside of the bucket's rules.
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.scan_limit_gb * 1000 * 1000 * 1000

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location       = "${local.lake_url}/athena-results/"
      expected_bucket_owner = local.account

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = local.key_arn
      }
    }
  }
}

resource "aws_athena_named_query" "this" {
  for_each = local.queries

  name      = each.key
  workgroup = aws_athena_workgroup.this.name
  database  = aws_glue_catalog_database.this.name
  # The first line of each is the question it answers.
  description = trimprefix(split("\n", each.value)[0], "-- ")
  query       = each.value
}

# For whoever may ask: attach it to the role of the analysts. Reading only, in this workgroup.
data "aws_iam_policy_document" "analyst" {
  statement {
    sid = "AskInTheWorkgroup"
    actions = [
      "athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults",
      "athena:GetWorkGroup", "athena:ListNamedQueries", "athena:GetNamedQuery", "athena:BatchGetNamedQuery",
    ]
    resources = [aws_athena_workgroup.this.arn]
  }

  statement {
    sid     = "ReadTheCatalog"
    actions = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"]
    resources = [
      "arn:${local.partition}:glue:${var.region}:${local.account}:catalog",
      aws_glue_catalog_database.this.arn,
      "arn:${local.partition}:glue:${var.region}:${local.account}:table/${aws_glue_catalog_database.this.name}/*",
    ]
  }

  statement {
    sid       = "ReadTheLake"
    actions   = ["s3:GetObject"]
    resources = [for folder in ["events", "rejected", "athena-results"] : "${local.lake_bucket_arn}/${local.lake_folder}${folder}/*"]
  }

  statement {
    sid       = "ListTheLake"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [local.lake_bucket_arn]
  }

  statement {
    sid       = "KeepResults"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${local.lake_bucket_arn}/${local.lake_folder}athena-results/*"]
  }

  statement {
    sid       = "UseTheKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [local.key_arn]
  }
}
