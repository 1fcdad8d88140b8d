"""Twilio's side of a phone call, played strictly, so that the system can be called without Twilio.

``CarrierCall`` places one call against any Ringfold (a library, for tests, the bench and ``make call``);
``build_carrier`` is the web application the local gateway mounts: the phone page's control API and Twilio's REST API.
It shares no code with what it judges: signing, TwiML and frames are read here from Twilio's documentation anew.
"""

from local.carrier.call import CallEnd, CarrierCall, Line, Reply
from local.carrier.manners import Manners
from local.carrier.record import Happening

__all__ = ["CallEnd", "CarrierCall", "Happening", "Line", "Manners", "Reply"]
