"""Places (countries, cities, townships, districts) and addresses."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Place(models.Model):
    """A named area that addresses refer to."""

    name = models.CharField(max_length=255)
    translations = models.JSONField(null=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Country(Place):
    """A country by its lower-case ISO code."""

    code = models.CharField(max_length=8, unique=True)


class City(Place):
    country = models.ForeignKey(Country, models.PROTECT)
    priority = models.IntegerField(null=True)
    postcode = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["country", "name"], name="one_city_per_name")
        ]


class Township(Place):
    city = models.ForeignKey(City, models.PROTECT)
    postcode = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "name"], name="one_township_per_name")
        ]


class District(Place):
    township = models.ForeignKey(Township, models.PROTECT)
    postcode = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["township", "name"], name="one_district_per_name")
        ]


class Address(models.Model):
    """An entry of a customer's address book, or the copy that belongs to an order.

    `place` holds the country, city, township and district as documents of the time of writing:
    renaming a city changes no order, and no query joins four tables.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    is_copy = models.BooleanField(default=False)
    address_type = models.CharField(max_length=32, default="customer")
    title = models.CharField(max_length=128, blank=True)
    email = models.CharField(max_length=254, null=True)  # noqa: DJ001 - null on the wire
    phone_number = models.CharField(max_length=128, blank=True)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    line = models.CharField(max_length=255)
    country = models.ForeignKey(Country, models.PROTECT)
    city = models.ForeignKey(City, models.PROTECT)
    township = models.ForeignKey(Township, models.PROTECT, null=True)
    district = models.ForeignKey(District, models.PROTECT, null=True)
    place = models.JSONField()
    postcode = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire
    notes = models.CharField(max_length=512, null=True)  # noqa: DJ001 - null on the wire
    company_name = models.CharField(max_length=255, blank=True)
    tax_office = models.CharField(max_length=64, blank=True)
    tax_no = models.CharField(max_length=20, blank=True)
    identity_number = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null on the wire
    e_bill_taxpayer = models.BooleanField(default=False)
    is_corporate = models.BooleanField(default=False)
    primary = models.BooleanField(default=False)
    remote_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    retail_store = models.JSONField(null=True)
    extra_field = models.JSONField(null=True)
    hash_data = models.CharField(max_length=32)
    is_active = models.BooleanField(default=True)
    created_date = models.DateTimeField(db_default=Now())
    modified_date = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "hash_data"],
                condition=Q(is_copy=False, is_active=True),
                name="one_address_per_owner_and_hash",
            )
        ]

    def __str__(self) -> str:
        return self.title or self.line
