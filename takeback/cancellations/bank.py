from hashlib import sha256

from takeback.core.fields import StrictText


def blind_index(iban):
    return sha256(iban.encode()).hexdigest()


class IbanField(StrictText):
    def __init__(self, **o):
        super().__init__(max_length=64, allow_blank=True, **o)


class HolderNameField(StrictText):
    def __init__(self, **o):
        super().__init__(max_length=255, allow_blank=True, **o)
