"""What can be set of the archive, and what is said of a wrong value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from api.archive.settings import ArchiveSettings


def settings(**values: object) -> ArchiveSettings:
    return ArchiveSettings.model_validate(values)


ACCOUNT = {"archive_user": "archiveuser", "archive_password": "secret"}


def test_without_an_endpoint_nothing_is_needed() -> None:
    assert settings(archive_endpoint="").archive_bucket == "production"


@pytest.mark.parametrize("url", ["archive:8333", "localhost", "ftp://archive", "http://"])
def test_an_endpoint_is_an_address(url: str) -> None:
    with pytest.raises(ValidationError, match="is no http://host:port"):
        settings(archive_endpoint=url, **ACCOUNT)


@pytest.mark.parametrize("missing", list(ACCOUNT))
def test_an_endpoint_needs_an_account(missing: str) -> None:
    with pytest.raises(ValidationError, match="needs both ARCHIVE_USER and ARCHIVE_PASSWORD"):
        settings(archive_endpoint="http://127.0.0.1:8333", **{**ACCOUNT, missing: ""})


@pytest.mark.parametrize("bucket", ["", "Production", "a", "-production", "with space", "a/b"])
def test_a_bucket_has_a_name_that_s3_takes(bucket: str) -> None:
    with pytest.raises(ValidationError, match="archive_bucket"):
        settings(archive_bucket=bucket)


def test_a_file_of_authorities_is_there() -> None:
    with pytest.raises(ValidationError, match="there is no file"):
        settings(archive_ca_file="/nowhere/ca.pem")


def test_no_password_is_shown() -> None:
    assert "secret" not in repr(settings(archive_endpoint="http://127.0.0.1:8333", **ACCOUNT))
