"""The evidence pack of a partner and a period, to be kept and shown without this page."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from review.desk import AtDesk
from review.pack.archive import archive, archive_name
from review.pack.rows import About, gathered
from review.pages.partners import Asked, chosen_method, partner_for
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.engine import reading, writing
from review.store.events import Event, record
from review.store.partners import main_method, methods_of

__all__ = ["router"]

router = APIRouter()


@router.get("/partners/{partner_id:path}/pack", response_class=Response, include_in_schema=False)
def pack(
    viewer: Annotated[Viewer, Depends(needs(Right.DECIDE))],
    desk: AtDesk,
    partner_id: str,
    period: Asked,
    method: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """The pack as a ZIP; that it was made, and its hash, goes into the audit."""
    at = desk.clock().replace(microsecond=0)
    with reading(desk.engine) as connection:
        partner = partner_for(connection, viewer, partner_id)
        main = main_method(connection)
        chosen = chosen_method(method, methods_of(connection, partner_id), main)
        currency = desk.options.report_currency
        about = About(partner_id, partner["name"], period, chosen, chosen == main, currency, viewer.name, at)
        made = archive(about, gathered(connection, about))
    told = {"from": str(period.since or ""), "until": str(period.until or ""), "method": chosen}
    told["sha256"] = hashlib.sha256(made).hexdigest()
    with writing(desk.engine) as connection:
        record(connection, Event(viewer.name, viewer.role, "pack_made", "partner", partner_id, after=told), at)
    headers = {"Content-Disposition": f'attachment; filename="{archive_name(about)}"'}
    return Response(made, media_type="application/zip", headers=headers)
