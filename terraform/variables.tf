# Everything that can be set. README.md shows the same list as a table; a test compares the two.

# Where

variable "region" {
  description = "Region of everything here. EventBridge hands over CloudTrail's events in their own region only; forwarder/ brings those of others."
  type        = string

  validation {
    condition = contains([
      "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
      "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
      "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
      "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
      "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1",
      "us-gov-west-1", "us-west-1", "us-west-2",
    ], var.region)
    error_message = "region: \"${var.region}\" is no region that is known here. Write it like eu-west-1; a region newer than the list in variables.tf has to be added there."
  }
}

variable "name" {
  description = "Name of the function; what else is made here is named after it."
  type        = string
  default     = "trailsink"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,31}$", var.name))
    error_message = "name: begin with a small letter, then 1 to 31 small letters, digits and hyphens: names of roles and queues are made from it."
  }
}

variable "tags" {
  description = "Tags of everything that can have tags."
  type        = map(string)
  default     = {}
}

variable "kms_key_arn" {
  description = "ARN of the KMS key for lake, logs, topics and trail; its policy must allow what key.tf allows. By default a key is made."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: give the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID. An alias will not do: policies name keys."
  }
  validation {
    condition     = var.kms_key_arn == null || try(split(":", var.kms_key_arn)[3], "") == var.region
    error_message = "kms_key_arn: the key is not in the region ${var.region}. Give a key of that region, or none and one is made."
  }
}

# The lake

variable "lake_bucket" {
  description = "Name of the lake's bucket."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.lake_bucket))
    error_message = "lake_bucket: \"${var.lake_bucket}\" cannot be a bucket's name. Take 3 to 63 small letters, digits, hyphens and dots; capitals and underscores are not allowed, first and last is a letter or digit."
  }
}

variable "create_lake_bucket" {
  description = "Whether the bucket is made here. If false it must be there, in the same account and region; public access block, encryption, policy and lifecycle are then its owner's."
  type        = bool
  default     = true
}

variable "lake_prefix" {
  description = "Folder of the lake in the bucket, like `lake/cloudtrail`; by default the bucket's root."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$", var.lake_prefix))
    error_message = "lake_prefix: take letters, digits, hyphens and underscores, with / between folders but not at the start or end."
  }
}

variable "partition_by" {
  description = "Partition columns in the order of the folders, out of category, event_date, account_id and region. The function and the table both get this list, so they cannot differ. Choose once: files that were written under another list are not found (see Upgrading). Without category the views are left out, and the queries have to be changed."
  type        = string
  default     = "category,event_date"

  validation {
    condition     = contains([for column in split(",", var.partition_by) : trimspace(column)], "event_date")
    error_message = "partition_by: event_date must be in the list: without days every query would read the whole lake. For example category,event_date."
  }
  validation {
    condition     = alltrue([for column in split(",", var.partition_by) : contains(["category", "event_date", "account_id", "region"], trimspace(column))])
    error_message = "partition_by: \"${var.partition_by}\" has a column that is none of category, event_date, account_id and region."
  }
  validation {
    condition     = length(distinct([for column in split(",", var.partition_by) : trimspace(column)])) == length(split(",", var.partition_by))
    error_message = "partition_by: \"${var.partition_by}\" names a column twice."
  }
}

variable "partition_accounts" {
  description = "Accounts that queries may ask for where account_id is a partition column. By default the column is injected: every query must then say account_id = '...', and the views are left out."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for account in var.partition_accounts : can(regex("^[0-9]{12}$", account))])
    error_message = "partition_accounts: each must have 12 digits, in quotes. What has no account is filed under unknown, which is added here."
  }
}

variable "partition_regions" {
  description = "Regions that queries may ask for where region is a partition column; by default injected, as with accounts."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for region in var.partition_regions : can(regex("^[a-z0-9-]{1,32}$", region))])
    error_message = "partition_regions: write regions like eu-west-1. What has none is filed under unknown, which is added here."
  }
}

variable "first_day" {
  description = "Oldest day that queries see, YYYY-MM-DD; the newest is tomorrow. Rows of older days are in the lake but no query finds them, so take the oldest day that you will ever bring in. A later day makes queries that name no day cheaper."
  type        = string
  default     = "2006-01-01"

  validation {
    condition     = can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", var.first_day)) && can(formatdate("YYYY-MM-DD", "${var.first_day}T00:00:00Z"))
    error_message = "first_day: \"${var.first_day}\" is no day. Write it YYYY-MM-DD, like 2026-01-31."
  }
}

variable "events_retention_days" {
  description = "Days after which events leave the lake; by default never."
  type        = number
  default     = null

  validation {
    condition     = var.events_retention_days == null || try(var.events_retention_days >= 1, false)
    error_message = "events_retention_days: at least 1, or leave it out to keep events for ever."
  }
}

variable "rejected_retention_days" {
  description = "Days after which rejected lines are deleted; by then somebody should have looked."
  type        = number
  default     = 365

  validation {
    condition     = var.rejected_retention_days >= 1
    error_message = "rejected_retention_days: at least 1."
  }
}

# What is taken

variable "sources" {
  description = "EventBridge sources to take, one rule each; [\"*\"] takes whatever CloudTrail delivers. Neighbours of the default: aws.ebs (snapshot blocks), aws.s3express, aws.s3-outposts, aws.s3-object-lambda; aws.iam, aws.sts, aws.signin, aws.kms and aws.cloudtrail for investigations."
  type        = list(string)
  default     = ["aws.s3", "aws.ec2"]

  validation {
    condition     = length(var.sources) > 0 && (contains(var.sources, "*") ? length(var.sources) == 1 : alltrue([for source in var.sources : can(regex("^aws\\.[a-z0-9-]+$", source))]))
    error_message = "sources: give at least one like aws.s3, or [\"*\"] alone for all."
  }
  validation {
    condition     = length(var.sources) <= 50
    error_message = "sources: more than 50. Take [\"*\"]: one rule for all."
  }
}

variable "event_names" {
  description = "Event names to take by source, like { \"aws.s3\" = [\"PutObject\", \"Delete*\"] }; of a source that is not named, all."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for source, names in var.event_names : contains(var.sources, source) && length(names) > 0])
    error_message = "event_names: each key must stand in sources too, with at least one name."
  }
}

variable "buckets" {
  description = "Buckets whose S3 events are taken; by default all. Calls that name no bucket, like ListBuckets, are always taken."
  type        = list(string)
  default     = []
}

variable "read_only_management_events" {
  description = "Whether Describe*, Get* and List* calls are taken too, which EventBridge leaves out otherwise. They are most of an account's calls; read-only data events such as GetObject come in any case."
  type        = bool
  default     = false
}

variable "forwarding_accounts" {
  description = "Other accounts whose forwarder/ may send events to this account's bus."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for account in var.forwarding_accounts : can(regex("^[0-9]{12}$", account))])
    error_message = "forwarding_accounts: each must have 12 digits, in quotes."
  }
}

# The function

variable "package_type" {
  description = "Zip or Image."
  type        = string
  default     = "Zip"

  validation {
    condition     = contains(["Zip", "Image"], var.package_type)
    error_message = "package_type: Zip or Image."
  }
}

variable "function_zip" {
  description = "Path of the zip with the program as `bootstrap`, for package type Zip; the default is where `make zip` leaves it."
  type        = string
  default     = "../target/lambda/bootstrap.zip"

  validation {
    condition     = var.package_type != "Zip" || try(fileexists(var.function_zip), false)
    error_message = "function_zip: there is no file ${coalesce(var.function_zip, "(none)")}. Build it with `make zip`, or give its path, or set package_type = \"Image\" and function_image."
  }
}

variable "function_image" {
  description = "Image by digest, REPOSITORY@sha256:DIGEST; needed with package type Image. image.tf makes a repository for it."
  type        = string
  default     = null

  validation {
    condition     = var.package_type != "Image" || can(regex("^[a-z0-9./:_-]+@sha256:[0-9a-f]{64}$", var.function_image))
    error_message = "function_image: give the image by digest, REPOSITORY@sha256: and 64 hexadecimal digits; a tag may mean something else tomorrow. `aws ecr describe-images --repository-name NAME --query 'imageDetails[].imageDigest'` prints digests. Before the first push: see \"As an image\" in README.md."
  }
}

variable "architecture" {
  description = "arm64 or x86_64, as the program was built; arm64 costs a fifth less."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: arm64 or x86_64, whichever the program was built for."
  }
}

variable "memory_mb" {
  description = "Memory of the function, which also decides its share of a processor (1,769 MB is one)."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory_mb >= 256 && var.memory_mb <= 10240
    error_message = "memory_mb: between 256 and 10240. A batch is 6 MB of messages at most."
  }
}

variable "timeout_seconds" {
  description = "Time that one invocation may take."
  type        = number
  default     = 120

  validation {
    condition     = var.timeout_seconds >= 30 && var.timeout_seconds <= 900
    error_message = "timeout_seconds: between 30 (retries of a put take up to 10 s) and 900."
  }
}

variable "log_events" {
  description = "Events that the function logs beside storing them: all, errors or none. A logged event is about 630 bytes; see the cost table."
  type        = string
  default     = "all"

  validation {
    condition     = contains(["all", "errors", "none"], var.log_events)
    error_message = "log_events: all, errors (events whose outcome is not success) or none."
  }
}

variable "log_retention_days" {
  description = "Days that log groups keep their lines."
  type        = number
  default     = 400

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: CloudWatch knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827 and some longer ones."
  }
}

# The way from rule to function

variable "delivery" {
  description = "queue: rule, SQS, function, in batches. direct: rule to function, one invocation and one file an event; for trying it out."
  type        = string
  default     = "queue"

  validation {
    condition     = contains(["queue", "direct"], var.delivery)
    error_message = "delivery: queue or direct."
  }
}

variable "batching_window_seconds" {
  description = "How long messages are gathered before the function is invoked, 0 to 300. Freshness against files: each poller writes a file per window and partition, so 300 s are at most 288 files a day, poller and partition, 60 s are 1,440, and an event is found window + about 10 s after the call. A batch also ends at 6 MB, some 1,600 to 2,400 events: past about 5 events a second and poller the window no longer decides, and files get no more numerous by shortening it."
  type        = number
  default     = 300

  validation {
    condition     = var.batching_window_seconds >= 0 && var.batching_window_seconds <= 300
    error_message = "batching_window_seconds: between 0 and 300."
  }
}

variable "maximum_concurrency" {
  description = "How many invocations may run at once. Each writes files of its own, so with 2 a day has at most 2 x 288 files a partition at a window of 300 s. One invocation stores some thousand events a second; raise it when the queue's oldest message grows older than the window."
  type        = number
  default     = 2

  validation {
    condition     = var.maximum_concurrency >= 2 && var.maximum_concurrency <= 1000
    error_message = "maximum_concurrency: between 2, the least that Lambda accepts, and 1000."
  }
}

variable "receives_before_dead_letter" {
  description = "How often a message is tried before it goes to the dead-letter queue."
  type        = number
  default     = 10

  validation {
    condition     = var.receives_before_dead_letter >= 5
    error_message = "receives_before_dead_letter: at least 5. With fewer, throttling alone moves good messages to the dead-letter queue."
  }
}

# The trail

variable "create_trail" {
  description = "Whether a trail is made here: management events, and S3 data events. Most accounts have a trail, and a second copy of management events costs money."
  type        = bool
  default     = false
}

variable "existing_trail" {
  description = "ARN of the trail that is there. Nothing is changed about it; naming it ends the warning that CloudTrail delivers nothing to EventBridge without a trail."
  type        = string
  default     = null

  validation {
    condition     = var.existing_trail == null || can(regex("^arn:aws[a-z-]*:cloudtrail:[a-z0-9-]+:[0-9]{12}:trail/.+$", var.existing_trail))
    error_message = "existing_trail: give the trail's ARN, arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME. `aws cloudtrail describe-trails --query 'trailList[].TrailARN'` prints those that log here."
  }
  validation {
    condition     = !(var.create_trail && var.existing_trail != null)
    error_message = "existing_trail: leave it out with create_trail = true."
  }
}

variable "trail_data_event_buckets" {
  description = "Buckets whose objects' events the trail made here logs; by default all buckets. Access to the lake is logged in any case."
  type        = list(string)
  default     = []
}

variable "trail_retention_days" {
  description = "Days that the trail's own files are kept."
  type        = number
  default     = 400

  validation {
    condition     = var.trail_retention_days >= 1
    error_message = "trail_retention_days: at least 1."
  }
}

# Queries

variable "scan_limit_gb" {
  description = "Data that one query may read before Athena stops it. 100 GB cost about 0.50 USD."
  type        = number
  default     = 100

  validation {
    condition     = var.scan_limit_gb >= 1
    error_message = "scan_limit_gb: at least 1."
  }
}

variable "query_results_retention_days" {
  description = "Days that results of queries are kept."
  type        = number
  default     = 30

  validation {
    condition     = var.query_results_retention_days >= 1
    error_message = "query_results_retention_days: at least 1."
  }
}

# Who is told

variable "alerts" {
  description = "Which alerts of alerts.tf are on; by default all."
  type        = list(string)
  default     = null

  validation {
    condition     = var.alerts == null || alltrue([for alert in coalesce(var.alerts, []) : contains(keys(local.known_alerts), alert)])
    error_message = "alerts: known are ${join(", ", keys(local.known_alerts))}."
  }
}

variable "alert_emails" {
  description = "Addresses that get alerts about what people did (root use, a bucket made public ...)."
  type        = list(string)
  default     = []
}

variable "page_emails" {
  description = "Addresses that get alarms of severity page: events may get lost, act now."
  type        = list(string)
  default     = []
}

variable "ticket_emails" {
  description = "Addresses that get alarms of severity ticket: look within days."
  type        = list(string)
  default     = []
}

variable "silence_minutes" {
  description = "Minutes without a single event after which the silence alarm goes off. An account that is quiet at night wants more."
  type        = number
  default     = 60

  validation {
    condition     = contains([15, 30, 60, 120, 180, 360, 720, 1440], var.silence_minutes)
    error_message = "silence_minutes: one of 15, 30, 60, 120, 180, 360, 720, 1440."
  }
}

variable "force_destroy" {
  description = "Whether destroy may delete buckets and a repository that are not empty. Leave it false for a lake that matters."
  type        = bool
  default     = false
}
