"""Routes of plans."""

from takeback.channel.plans import views
from takeback.channel.routes import PK, of_a_channel

PLANS = "cancellation_plans"

urlpatterns = [
    *of_a_channel(PLANS, views.Plans, "channel_plans"),
    # Before the number of a plan, of which they would be one.
    *of_a_channel(f"{PLANS}/updates", views.PlanUpdates, "channel_plan_updates"),
    *of_a_channel(
        f"{PLANS}/inserts_or_updates", views.PlanInsertsOrUpdates, "channel_plan_inserts"
    ),
    *of_a_channel(f"{PLANS}/statuses", views.PlanStatuses, "channel_plan_statuses"),
    *of_a_channel(f"{PLANS}/{PK}", views.Plan, "channel_plan"),
    *of_a_channel(
        f"{PLANS}/{PK}/create_payment_plan", views.CreatePaymentPlan, "channel_payment_plan"
    ),
]
