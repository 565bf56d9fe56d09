"""Routes of cases."""

from takeback.channel.cases import writing_views as writing
from takeback.channel.routes import PK, of_a_channel

CASE = f"cancellation_requests/{PK}"

urlpatterns = [
    *of_a_channel("cancellation_requests", writing.OpenCase, "channel_cases"),
    *of_a_channel(CASE, writing.ChangeCase, "channel_case"),
    *of_a_channel(f"{CASE}/reject", writing.RejectCase, "channel_reject_case"),
    *of_a_channel(f"{CASE}/confirm", writing.ConfirmCase, "channel_confirm_case"),
    *of_a_channel(f"{CASE}/approve", writing.ApproveCase, "channel_approve_case"),
]
