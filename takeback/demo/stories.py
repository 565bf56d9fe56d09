"""The introduced orders: those of stories.toml, which the demo prints and visitors can try."""

from datetime import datetime, timedelta

from takeback.cancellations.statuses import Status as CaseStatus
from takeback.demo.catalogue import Catalogue, read_data
from takeback.demo.orders import ItemPlan, OrderPlan
from takeback.demo.shoppers import Shopper
from takeback.orders.statuses import Status

GUEST, TRADE_IN, RETURNS = "100200306", "100200308", "100200315"


def introduced_orders(
    catalogue: Catalogue, customer: Shopper, guest: Shopper, reference: datetime
) -> list[OrderPlan]:
    """The orders of the introduced customer and guest. They have every field of an order."""
    articles = {article.sku: article for article in catalogue.articles}
    plans = []
    for row in read_data("stories")["order"]:
        shopper = guest if row.get("is_guest") else customer
        items = [
            ItemPlan(
                article=articles[item["sku"]],
                status=item.get("status", Status.APPROVED),
                quantity=item.get("quantity", 1),
                trade_in_cents=item.get("trade_in_cents", 0),
                case=CaseStatus(item["case"]) if "case" in item else None,
                case_quantity=item.get("case_quantity", 0),
            )
            for item in row["items"]
        ]
        plans.append(
            OrderPlan(
                number=row["number"],
                shopper=shopper,
                placed_at=reference - timedelta(days=row["days"]),
                reference=reference,
                items=items,
                market=catalogue.markets[row.get("currency", shopper.market.currency)],
                payment=row.get("payment", "credit_card"),
                is_introduced=True,
                is_new=row.get("is_new", False),
                to_store=row.get("to_store", False),
                refund=row.get("refund", ""),
                account=row.get("account"),
                has_reference=row.get("has_reference", True),
            )
        )
    return plans
