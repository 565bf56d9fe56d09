"""Routes of cases."""

from takeback.channel.cases import views, writing_views
from takeback.channel.routes import PK, of_a_channel

CASES = "cancellation_requests"
CASE = f"{CASES}/{PK}"

urlpatterns = [
    *of_a_channel(CASES, writing_views.Cases, "channel_cases"),
    # Before the number of a case, of which they would be one.
    *of_a_channel(
        f"{CASES}/detailed", views.DetailedCancellationRequests, "channel_detailed_cases"
    ),
    *of_a_channel(f"{CASES}/updates", views.CancellationRequestUpdates, "channel_case_updates"),
    *of_a_channel(CASE, writing_views.Case, "channel_case"),
    *of_a_channel(f"{CASE}/detailed", views.DetailedCancellationRequest, "channel_detailed_case"),
    *of_a_channel(f"{CASE}/reject", writing_views.RejectCase, "channel_reject_case"),
    *of_a_channel(f"{CASE}/confirm", writing_views.ConfirmCase, "channel_confirm_case"),
    *of_a_channel(f"{CASE}/approve", writing_views.ApproveCase, "channel_approve_case"),
]
