"""DuckDB making Parquet of the same events on one thread: what `convert` is measured against in bench.py.

    target/python/bin/python benches/duckdb_peer.py events.jsonl out.parquet --form both

The table is nearly ours, in DuckDB's best form: read_json is told every type, so that members become typed columns as the
text is read, and none is asked for by a JSON path. What DuckDB need not do here and `convert` does: `unmapped`, `any_*` and
`ec2_ip_rules`, checking and sorting, telling duplicates, partitions. Three forms:

    text     request, response and the other free members as JSON text only: no column of S3 or EC2
    structs  as columns of S3 and EC2 only: the text is not kept
    both     as text and as columns, as `convert` has them

Prints one JSON object. The CPU seconds are those of the one statement, without the start of Python and DuckDB.
"""

import argparse
import json
import resource

import duckdb


def struct(names="", **members):
    """A STRUCT type: names of text members, then members of other types."""
    types = {name: "VARCHAR" for name in names.split()} | members
    return "STRUCT(" + ", ".join(f'"{name}" {kind}' for name, kind in types.items()) + ")"


def items(kind):
    """EC2's lists."""
    return struct(items=f"{kind}[]")


GROUPS = items(struct("groupId"))
NAMED = struct("name")
PROFILE = struct("name arn")
INSTANCE = struct(
    "instanceId imageId instanceType keyName subnetId vpcId privateIpAddress ipAddress",
    groupSet=GROUPS,
    placement=struct("availabilityZone"),
    iamInstanceProfile=PROFILE,
    instanceState=NAMED,
    currentState=NAMED,
    previousState=NAMED,
    networkInterfaceSet=items(struct("networkInterfaceId subnetId vpcId privateIpAddress", groupSet=GROUPS)),
)
ENCRYPTION = "x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id"
EC2 = "imageId volumeId snapshotId networkInterfaceId subnetId vpcId groupId publicIp availabilityZone instanceType"

REQUEST = struct(
    f"bucketName key versionId prefix uploadId x-amz-copy-source x-amz-acl {ENCRYPTION} roleArn roleSessionName instanceId {EC2}",
    instancesSet=items(INSTANCE),
    groupSet=GROUPS,
    iamInstanceProfile=PROFILE,
)
RESPONSE = struct(
    f"x-amz-version-id {ENCRYPTION} instanceId {EC2}",
    credentials=struct("accessKeyId"),
    accessKey=struct("accessKeyId"),
    instancesSet=items(INSTANCE),
)
ADDITIONAL = struct(
    "SSEApplied AuthenticationMethod SignatureVersion",
    bytesTransferredIn="BIGINT",
    bytesTransferredOut="BIGINT",
    objectSize="BIGINT",
    httpStatusCode="BIGINT",
)
RESOURCES = struct("ARN ARNPrefix type accountId") + "[]"
# The free members that have columns of S3 and EC2, and those that never have.
TYPED = {"requestParameters": REQUEST, "responseElements": RESPONSE, "additionalEventData": ADDITIONAL, "resources": RESOURCES}
FREE = ["serviceEventDetails", "insightDetails", "addendum", "eventContext", "edgeDeviceDetails"]

SESSION = struct(
    "sourceIdentity ec2RoleDelivery assumedRoot",
    sessionIssuer=struct("type principalId arn accountId userName"),
    attributes=struct("mfaAuthenticated", creationDate="TIMESTAMP"),
    webIdFederationData=struct("federatedProvider"),
)
IDENTITY = struct(
    "type principalId arn accountId accessKeyId userName invokedBy identityProvider credentialId",
    onBehalfOf=struct("userId identityStoreArn"),
    invokedByDelegate=struct("accountId"),
    sessionContext=SESSION,
    inScopeOf="JSON",
)
TLS = struct("tlsVersion cipherSuite clientProvidedHostHeader")
PLAIN = (
    "eventID eventName eventSource eventType eventCategory eventVersion awsRegion sourceIPAddress userAgent errorCode "
    "errorMessage requestID sharedEventID apiVersion recipientAccountId vpcEndpointId vpcEndpointAccountId "
    "sessionCredentialFromConsole"
)


def detail(form):
    """The type of the record."""
    free = {name: kind if form == "structs" else "JSON" for name, kind in TYPED.items()}
    return struct(
        PLAIN,
        eventTime="TIMESTAMP",
        readOnly="BOOLEAN",
        managementEvent="BOOLEAN",
        userIdentity=IDENTITY,
        tlsDetails=TLS,
        **free,
        **{name: "JSON" for name in FREE},
    )


def transform(kind):
    """The type as json_transform wants it: a JSON value."""
    kind = kind.strip()
    if kind.endswith("[]"):
        return [transform(kind[:-2])]
    if not kind.startswith("STRUCT("):
        return kind
    members, depth, start = {}, 0, 7
    for at in range(7, len(kind)):
        depth += {"(": 1, ")": -1}.get(kind[at], 0)
        if depth < 0 or depth == 0 and kind[at] == ",":
            name, inner = kind[start:at].strip()[1:].split('" ', 1)
            members[name] = transform(inner)
            start = at + 1
    return members


def statement(events, out, form):
    columns = ", ".join(f"'{n}': '{k}'" for n, k in {"id": "VARCHAR", "detail-type": "VARCHAR", "detail": detail(form)}.items())
    select = "*"
    if form == "both":
        select += "".join(
            f""", json_transform(detail."{name}", '{json.dumps(transform(kind))}') AS "{name}" """ for name, kind in TYPED.items()
        )
    return (
        f"COPY (SELECT {select} FROM read_json('{events}', format = 'newline_delimited', columns = {{{columns}}})) "
        f"TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("events")
    parser.add_argument("out")
    parser.add_argument("--form", choices=("text", "structs", "both"), default="both")
    arguments = parser.parse_args()
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    # Faster, or no slower; the order of the rows is not ours either.
    connection.execute("SET preserve_insertion_order = false")
    copy = statement(arguments.events.replace("'", "''"), arguments.out.replace("'", "''"), arguments.form)

    before = resource.getrusage(resource.RUSAGE_SELF)
    (rows,) = connection.execute(copy).fetchone()
    after = resource.getrusage(resource.RUSAGE_SELF)
    (columns,) = connection.execute(
        "SELECT count(DISTINCT path_in_schema) FROM parquet_metadata(?)", [arguments.out]
    ).fetchone()
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"version": duckdb.__version__, "rows": rows, "columns": columns, "cpu_s": seconds}))


if __name__ == "__main__":
    main()
