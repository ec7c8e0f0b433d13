import base64
import hashlib
import hmac

from api.tasks.callbacks.signature import secret_of, signed

KEY = b"0123456789abcdef" * 4


def test_a_signature_is_the_one_of_the_standards_own_example() -> None:
    # the example of the reference libraries' tests
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_account_has_a_secret_of_its_own_that_tells_nothing_of_the_key() -> None:
    secrets = [secret_of(KEY, account) for account in range(1, 100)]
    assert len(set(secrets)) == len(secrets)
    for secret in secrets:
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == hashlib.sha256().digest_size
    assert secret_of(KEY, 1) == secrets[0]
    assert secret_of(KEY + b"!", 1) not in secrets
    assert hmac.digest(KEY, b"1", hashlib.sha256) != base64.b64decode(secrets[0].removeprefix("whsec_"))
