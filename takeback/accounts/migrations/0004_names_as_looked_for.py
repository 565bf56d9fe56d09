from django.db import migrations

from takeback.core.names import name_key

BATCH = 1_000


def fill(apps, schema_editor):
    people = apps.get_model("accounts", "User").objects.order_by("id")
    last = 0
    while batch := list(people.filter(id__gt=last).only("first_name", "last_name")[:BATCH]):
        for person in batch:
            person.first_name_key = name_key(person.first_name)
            person.last_name_key = name_key(person.last_name)
        people.bulk_update(batch, ["first_name_key", "last_name_key"])
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_finding_customers")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
