from django.db import migrations, models

import takeback.core.transforms


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_orders_as_they_changed")]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["placed_at"], name="orders_of_a_day"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(takeback.core.transforms.Folded("number"), name="orders_by_number"),
        ),
        migrations.AddIndex(
            model_name="orderitem",
            index=models.Index(takeback.core.transforms.Folded("sku"), name="items_by_sku"),
        ),
    ]
