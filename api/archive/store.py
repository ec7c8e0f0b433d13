"""The bucket of an S3 store, by boto3; its errors are told apart here and nowhere else."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    HTTPClientError,
    ParamValidationError,
    ReadTimeoutError,
)

from api.archive.errors import ObjectMissing, Refusal, StoreAway, StoreRefused
from api.archive.settings import ArchiveSettings

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

# the region that a new bucket must not be told
FIRST_REGION = "us-east-1"
# beside the uploads, for those who fetch and tag
MORE_CONNECTIONS = 8
BAD_REQUEST, SERVER_ERROR = 400, 500
ASK_FOR_A_KEY = {"get", "tags", "tag"}

MISSING = {"NoSuchKey", "404", "KeyTooLongError", "MethodNotAllowed"}
NOT_NOW = {"SlowDown", "RequestTimeout", "OperationAborted", "429"}
REFUSALS = {
    "NoSuchBucket": Refusal.BUCKET,
    "403": Refusal.CREDENTIALS,
    "AccessDenied": Refusal.CREDENTIALS,
    "AuthorizationHeaderMalformed": Refusal.CREDENTIALS,
    "ExpiredToken": Refusal.CREDENTIALS,
    "InvalidAccessKeyId": Refusal.CREDENTIALS,
    "InvalidToken": Refusal.CREDENTIALS,
    "RequestTimeTooSkewed": Refusal.CREDENTIALS,
    "SignatureDoesNotMatch": Refusal.CREDENTIALS,
    "BadDigest": Refusal.OBJECT,
    "EntityTooLarge": Refusal.OBJECT,
    "InvalidTag": Refusal.OBJECT,
    "MetadataTooLarge": Refusal.OBJECT,
}


class Store:
    """One bucket; may be used from many threads. Every method blocks.

    Each raises StoreAway when the store does not answer in time, StoreRefused when it will not, and ObjectMissing where
    it is asked for a key that it does not have.
    """

    def __init__(self, settings: ArchiveSettings) -> None:
        self.bucket = settings.archive_bucket
        self.region = settings.archive_region
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=settings.archive_endpoint,
            region_name=settings.archive_region,
            aws_access_key_id=settings.archive_user,
            aws_secret_access_key=settings.archive_password.get_secret_value(),
            verify=str(settings.archive_ca_file) if settings.archive_ca_file else None,
            config=Config(
                connect_timeout=settings.archive_timeout_seconds,
                read_timeout=settings.archive_timeout_seconds,
                max_pool_connections=settings.archive_workers + MORE_CONNECTIONS,
                # who calls knows better when to try again
                retries={"total_max_attempts": 1, "mode": "standard"},
                # stores other than Amazon's need not know newer checksums, nor a host name a bucket
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
            ),
        )

    def put(self, key: str, data: bytes, content_type: str, tags: Mapping[str, str]) -> None:
        """Store an object and its tags, both at once; one of this key is replaced."""
        with _told("put", key):
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=data, ContentType=content_type, Tagging=urlencode(tags)
            )

    def get(self, key: str, max_bytes: int | None = None) -> bytes:
        """An object's content; of a larger one than `max_bytes` so much and a byte more."""
        with _told("get", key), closing(self._client.get_object(Bucket=self.bucket, Key=key)["Body"]) as body:
            return body.read() if max_bytes is None else body.read(max_bytes + 1)

    def holds(self, key: str, size: int) -> bool:
        """Whether there is an object of this key and so many bytes."""
        try:
            with _told("head", key):
                return self._client.head_object(Bucket=self.bucket, Key=key)["ContentLength"] == size
        except ObjectMissing:
            return False

    def tags(self, key: str) -> dict[str, str]:
        """An object's tags."""
        with _told("tags", key):
            found = self._client.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def add_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Add to an object's tags; one of the same name is replaced."""
        before = self.tags(key)
        after = {**before, **tags}
        if after != before:
            with _told("tag", key):
                self._client.put_object_tagging(
                    Bucket=self.bucket,
                    Key=key,
                    Tagging={"TagSet": [{"Key": name, "Value": value} for name, value in after.items()]},
                )

    def create_bucket(self) -> bool:
        """Make the bucket; whether it was not there before."""
        with _told("create", self.bucket):
            try:
                if self.region == FIRST_REGION:
                    self._client.create_bucket(Bucket=self.bucket)
                else:
                    # the stubs list Amazon's regions, other stores have their own
                    self._client.create_bucket(
                        Bucket=self.bucket,
                        CreateBucketConfiguration={"LocationConstraint": self.region},  # type: ignore[typeddict-item]
                    )
            except (self._client.exceptions.BucketAlreadyOwnedByYou, self._client.exceptions.BucketAlreadyExists):
                # it may be somebody else's
                self._client.head_bucket(Bucket=self.bucket)
                return False
        return True

    def make_missing_bucket(self) -> bool:
        """Make the bucket if it is gone; whether it was. A store may call that a lack of rights, so it is looked at."""
        try:
            with _told("head", self.bucket):
                self._client.head_bucket(Bucket=self.bucket)
        except ObjectMissing:
            return self.create_bucket()
        except StoreRefused as error:
            if error.refusal is Refusal.BUCKET:
                return self.create_bucket()
            raise
        return False

    def objects(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Key and size in bytes of every object whose key begins so, in the keys' order, asked for by the thousand."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        with _told("list", self.bucket):
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"], found["Size"]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@contextmanager
def _told(operation: str, name: str) -> Iterator[None]:
    """Turn boto's errors into ours."""
    try:
        yield
    except ParamValidationError as error:
        raise ObjectMissing(f"{operation} {name!r}: no object can be called so") from error
    except ClientError as error:
        raise _answered(operation, name, error) from error
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise StoreAway(f"{operation} {name}: {error}", "timeout") from error
    except (BotoCoreError, HTTPClientError, OSError) as error:
        raise StoreAway(f"{operation} {name}: {error}") from error


def _answered(operation: str, name: str, error: ClientError) -> ObjectMissing | StoreAway:
    """What an error is that the store answered with."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", "")) or code
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"{operation} {name}: {code}: {said}"
    if code in MISSING:
        return ObjectMissing(text)
    if status == BAD_REQUEST and operation in ASK_FOR_A_KEY and code not in REFUSALS:
        return ObjectMissing(f"{text}: no object can be called so")
    if status >= SERVER_ERROR or code in NOT_NOW:
        return StoreAway(text, "server")
    return StoreRefused(text, REFUSALS.get(code, Refusal.OTHER))
