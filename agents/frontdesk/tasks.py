"""What the front desk asks of others, typed."""

from pydantic import BaseModel, Field

from agents.delegation import delegate, hand_off


class RefundTask(BaseModel):
    """A refund that a customer wants."""

    order_id: str = Field(description="For example A-17.")
    reason: str = Field(description="In the customer's words.", max_length=2_000)


class Complaint(BaseModel):
    """A letter that is not the front desk's to answer."""

    letter: str = Field(description="The letter, whole.", max_length=20_000)
    about: str = Field(description="What it is about, in a few words.")


ask_refunds = delegate(
    "refunds",
    RefundTask,
    does="Looks the order up and refunds it where that is right; a person approves each refund.",
    share=0.4,
)
hand_to_complaints = hand_off(
    "complaints", Complaint, does="Leaves the letter to those who answer complaints."
)
