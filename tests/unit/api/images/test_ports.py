from datetime import UTC, datetime, timedelta, timezone

from api.images.ports import ArchivedImage


def test_an_archived_image_has_its_key_and_tags() -> None:
    # Given an image answered at half past ten in a zone two hours ahead
    moment = datetime(2026, 3, 1, 10, 30, tzinfo=timezone(timedelta(hours=2)))
    image = ArchivedImage("0198a5f4-3c1e-7d2a-9b57-2f6f0c1d8e43", b"", "image/jpeg", ".jpg", 3, 0.98765, moment, "887e")

    assert image.object_key == "class_03/0198a5f4-3c1e-7d2a-9b57-2f6f0c1d8e43.jpg"
    assert image.tags == {
        "predicted_class": "3",
        "confidence": "0.988",
        "timestamp": "2026-03-01T08:30:00+00:00",
        "model_version": "887e",
    }
    assert datetime.fromisoformat(image.tags["timestamp"]) == moment.astimezone(UTC)
