"""Routes of cases."""

from takeback.channel.cases import views
from takeback.channel.routes import PK, of_a_channel

CASES = "cancellation_requests"
DETAILED = f"{CASES}/detailed"

urlpatterns = [
    *of_a_channel(CASES, views.CancellationRequests, "channel_cases"),
    # Before the number of a case, of which they would be one.
    *of_a_channel(DETAILED, views.DetailedCancellationRequests, "channel_detailed_cases"),
    *of_a_channel(f"{CASES}/updates", views.CancellationRequestUpdates, "channel_case_updates"),
    *of_a_channel(f"{CASES}/{PK}", views.CaseView, "channel_case"),
    *of_a_channel(
        f"{CASES}/{PK}/detailed", views.DetailedCancellationRequest, "channel_detailed_case"
    ),
]
