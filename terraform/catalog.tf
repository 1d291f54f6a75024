# What Athena knows of the lake: a database, the table of events, tables of what was rejected, and views.

locals {
  # The program prints this file from its one table of columns (trailsink schema --format glue).
  columns = jsondecode(file("${local.schemas}/glue_columns.json"))
  # The values that a row's category can have, from the DDL that the program prints.
  categories = split(",", regex("'projection\\.category\\.values' = '([^']+)'", file("${local.schemas}/athena.sql"))[0])

  # How Athena finds the folders of each partition column without a crawler. Injected: the query must name the value.
  projections = {
    category = { type = "enum", values = join(",", local.categories) }
    event_date = {
      type            = "date"
      format          = "yyyy-MM-dd"
      range           = "${var.first_day},NOW+1DAYS"
      interval        = "1"
      "interval.unit" = "DAYS"
    }
    account_id = merge({ type = length(var.partition_accounts) > 0 ? "enum" : "injected" }, {
      for key, values in { values = distinct(concat(var.partition_accounts, ["unknown"])) } : key => join(",", values) if length(var.partition_accounts) > 0
    })
    region = merge({ type = length(var.partition_regions) > 0 ? "enum" : "injected" }, {
      for key, values in { values = distinct(concat(var.partition_regions, ["unknown"])) } : key => join(",", values) if length(var.partition_regions) > 0
    })
  }

  events_location   = "${local.lake_url}/events/"
  rejected_location = "${local.lake_url}/rejected/"

  # Athena reads the days of a table as text, so this is the one shape of a projected day.
  events_projection = merge([
    for column in local.partition_columns : {
      for key, value in local.projections[column] : "projection.${column}.${key}" => value
    }
  ]...)

  # The views ask for a category, and cannot pass on the value that an injected column wants from every query.
  views_work = contains(local.partition_columns, "category") && alltrue([for column in local.partition_columns : local.projections[column].type != "injected"])

  # A view is its .sql beside a .json that says the types of its columns, which SQL does not say: as Hive writes them for
  # the catalog, and as Presto does for Athena.
  views = {
    for file in fileset("${local.schemas}/views", "*.sql") : trimsuffix(file, ".sql") => {
      # What stands behind AS: the statement that creates the view is Athena's, the catalog holds the query alone.
      query   = trimsuffix(trimspace(regex("(?is)\\bCREATE\\s+(?:OR\\s+REPLACE\\s+)?VIEW\\s+\\S+\\s+AS\\s(.*)$", file("${local.schemas}/views/${file}"))[0]), ";")
      columns = jsondecode(file("${local.schemas}/views/${trimsuffix(file, ".sql")}.json"))
    } if local.views_work && fileexists("${local.schemas}/views/${trimsuffix(file, ".sql")}.json")
  }
}

resource "aws_glue_catalog_database" "this" {
  name        = replace(var.name, "-", "_")
  description = "CloudTrail events of ${local.lake_url}"
}

resource "aws_glue_catalog_table" "events" {
  name          = "events"
  database_name = aws_glue_catalog_database.this.name
  description   = "CloudTrail events, one row each, at least once; ask for days of event_date. Each once: events_distinct"
  table_type    = "EXTERNAL_TABLE"

  parameters = merge(local.events_projection, {
    EXTERNAL                    = "TRUE"
    classification              = "parquet"
    "projection.enabled"        = "true"
    "storage.location.template" = "${local.events_location}${join("", [for column in local.partition_columns : "${column}=$${${column}}/"])}"
  })

  dynamic "partition_keys" {
    for_each = local.partition_columns

    content {
      name = partition_keys.value
      type = "string"
    }
  }

  storage_descriptor {
    location      = local.events_location
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    }

    dynamic "columns" {
      for_each = local.columns

      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.comment
      }
    }
  }
}

# rejected has a folder a day; what came without a day is in a folder that no range of days can name.
resource "aws_glue_catalog_table" "rejected" {
  for_each = {
    rejected         = { description = "What could not be read as an event, by the day it was sent", folder = "", dated = true }
    rejected_undated = { description = "What could not be read as an event and came without a day", folder = "reject_date=unknown/", dated = false }
  }

  name          = each.key
  database_name = aws_glue_catalog_database.this.name
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  parameters = merge({ EXTERNAL = "TRUE", classification = "json" }, {
    for key, value in {
      "projection.enabled"                   = "true"
      "projection.reject_date.type"          = "date"
      "projection.reject_date.format"        = "yyyy-MM-dd"
      "projection.reject_date.range"         = "${var.first_day},NOW+1DAYS"
      "projection.reject_date.interval"      = "1"
      "projection.reject_date.interval.unit" = "DAYS"
      "storage.location.template"            = "${local.rejected_location}reject_date=$${reject_date}/"
    } : key => value if each.value.dated
  })

  dynamic "partition_keys" {
    for_each = each.value.dated ? ["reject_date"] : []

    content {
      name = partition_keys.value
      type = "string"
    }
  }

  storage_descriptor {
    location      = "${local.rejected_location}${each.value.folder}"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"
    }

    # The members of a rejected line, which is JSON for a person and no table of the program's.
    dynamic "columns" {
      for_each = [
        { name = "reason", type = "string", comment = "Code of the reason, like invalid_json" },
        { name = "message", type = "string", comment = "The reason in words" },
        { name = "source", type = "string", comment = "Message id, file and line, or key that it came from" },
        { name = "payload", type = "string", comment = "What came in, as it was" },
        { name = "payload_base64", type = "string", comment = "The same where it is no text" },
        { name = "payload_bytes", type = "bigint", comment = "Its size where only the first megabyte is kept" },
      ]

      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.comment
      }
    }
  }
}

resource "aws_glue_catalog_table" "views" {
  for_each = local.views

  name          = each.key
  database_name = aws_glue_catalog_database.this.name
  table_type    = "VIRTUAL_VIEW"

  parameters = {
    presto_view = "true"
    comment     = "Presto View"
  }

  # The form in which Athena itself saves a view.
  view_expanded_text = "/* Presto View */"
  view_original_text = "/* Presto View: ${base64encode(jsonencode({
    originalSql = each.value.query
    catalog     = "awsdatacatalog"
    schema      = aws_glue_catalog_database.this.name
    columns     = [for column in each.value.columns : { name = column.name, type = column.presto_type }]
  }))} */"

  storage_descriptor {
    dynamic "columns" {
      for_each = each.value.columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }

    # A view has no files; Athena has been seen to refuse one without this.
    ser_de_info {
      name                  = "-"
      serialization_library = "-"
    }
  }
}

check "views" {
  assert {
    condition     = local.views_work
    error_message = "Views are left out: they need category in partition_by, and values in partition_accounts and partition_regions where those columns are in it. The queries of schemas/queries ask for category and for no account or region; change them likewise."
  }
}
