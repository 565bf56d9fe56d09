import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    # Apart from the step before: PostgreSQL alters no table whose rows it has yet to check.
    dependencies = [("accounts", "0001_initial"), ("cancellations", "0003_deciding")]

    operations = [
        migrations.AlterField(
            model_name="cancellationrequest",
            name="channel",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="accounts.channel"
            ),
        ),
    ]
