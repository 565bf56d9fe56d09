"""The SQL of the floors: the rows that a response needs, and the rows that a request writes."""

SESSION = """
SELECT s.session_data, u.id, u.username, u.first_name, u.last_name, u.email, u.is_active,
       u.is_staff, u.date_joined, u.last_login, u.email_allowed, u.sms_allowed, u.call_allowed,
       u.gender, u.attributes, u.phone, u.date_of_birth, u.attributes_kwargs, u.user_type,
       u.modified_date, u.password
  FROM accounts_session s LEFT JOIN accounts_user u ON u.id = s.user_id
 WHERE s.session_key = %s AND s.expire_date > %s
"""

_ADDRESS = """
       {a}.id, {a}.user_id, {a}.email, {a}.phone_number, {a}.first_name, {a}.last_name, {a}.line,
       {a}.title, {a}.place, {a}.postcode, {a}.notes, {a}.company_name, {a}.tax_office, {a}.tax_no,
       {a}.e_bill_taxpayer, {a}.hash_data, {a}.address_type, {a}.retail_store, {a}.remote_id,
       {a}.identity_number, {a}.extra_field, {a}.is_corporate, {a}.primary"""
_ORDER = f"""
SELECT o.id, o.number, o.user_id, o.user_type, o.user_email, o.status, o.currency,
       o.discount_minor, o.shipping_minor, o.amount_minor, o.interest_minor, o.refund_minor,
       o.discount_refund_minor, o.shipping_refund_minor, o.shipping_tax_rate,
       option.id, option.document, o.payment_type, bank.id, bank.document, o.bin_number,
       o.installment_count, o.shipping_company, o.tracking_number, o.tracking_url,
       o.invoice_number, o.invoice_date, o.e_archive_url, o.has_gift_box, o.gift_box_note,
       o.notes, o.language_code, o.client_type, o.order_type, o.remote_addr, o.extra_field,
       o.details, o.placed_at, o.modified_date,
       (SELECT sum(amount_minor - captured_minor) FROM orders_payment WHERE order_id = o.id),
       {{total}}, {_ADDRESS.format(a="shipping")}, {_ADDRESS.format(a="billing")}
  FROM orders_order o
  LEFT JOIN orders_snapshot option ON option.id = o.payment_option_id
  LEFT JOIN orders_snapshot bank ON bank.id = o.bank_id
  JOIN addresses_address shipping ON shipping.id = o.shipping_address_id
  JOIN addresses_address billing ON billing.id = o.billing_address_id
"""
PAGE = (
    _ORDER.format(total="count(*) OVER ()")
    + " WHERE o.user_id = %s ORDER BY o.placed_at DESC, o.id DESC LIMIT 10"
)
GUEST_ORDER = (
    _ORDER.format(total="1") + " WHERE o.channel_id = %s AND o.number_key = %s"
    " AND o.email_key = %s AND o.user_type = 'guest'"
)

ITEMS = """
SELECT i.id, i.order_id, i.status, i.quantity, i.units_closed, i.goods_minor, i.discount_minor,
       i.retail_minor, i.tax_rate, product.id, product.document, price_list.id,
       price_list.document, stock_list.id, stock_list.document, data_source.id,
       data_source.document, shipping_group.id, shipping_group.document, i.shipping_company,
       i.tracking_number, i.tracking_url, i.invoice_number, i.invoice_date, i.e_archive_url,
       i.estimated_delivery_date, i.shipped_date, i.delivered_date, i.image, i.is_tradable,
       i.attributes, i.extra_field, i.details, i.created_date, i.modified_date
  FROM orders_orderitem i
  JOIN orders_snapshot product ON product.id = i.product_id
  LEFT JOIN orders_snapshot price_list ON price_list.id = i.price_list_id
  LEFT JOIN orders_snapshot stock_list ON stock_list.id = i.stock_list_id
  LEFT JOIN orders_snapshot data_source ON data_source.id = i.data_source_id
  LEFT JOIN orders_snapshot shipping_group ON shipping_group.id = i.shipping_option_group_id
 WHERE i.order_id = ANY(%s::bigint[]) ORDER BY i.id
"""

EXTRAS = """
SELECT 'discount', order_id, id, name, NULL, amount_minor, created_date, NULL
  FROM orders_discountitem WHERE order_id = ANY(%(ids)s::bigint[])
 UNION ALL
SELECT 'loyalty', order_id, id, reference, uuid::text, amount_minor, created_date, user_email
  FROM orders_loyaltytransaction WHERE order_id = ANY(%(ids)s::bigint[])
"""

_REQUEST = """
SELECT c.id, c.uuid, c.order_item_id, c.reason_id, c.cancellation_type, c.status, c.quantity,
       c.description, c.iban_encrypted, c.holder_name_encrypted, c.fully_refund_as_loyalty_money,
       c.created_date, c.modified_date, e.id, e.carrier, e.carrier_label, e.code, e.status,
       e.start_date, e.end_date, e.tracking_number, e.tracking_url, e.pickup_date,
       image.id, image.image, image.description, image.is_uploaded_by_user, image.created_date,
       image.modified_date
  FROM cancellations_cancellationrequest c
  LEFT JOIN logistics_easyreturn e ON e.id = c.easy_return_id
  LEFT JOIN cancellations_cancellationrequestimage image ON image.cancellation_request_id = c.id
"""
REQUESTS = (
    _REQUEST
    + """
  JOIN orders_orderitem i ON i.id = c.order_item_id
 WHERE i.order_id = ANY(%s::bigint[]) ORDER BY c.id DESC, image.id
"""
)
REQUEST = _REQUEST + " WHERE c.id = %s ORDER BY image.id"

COMPANIES = """
SELECT id, carrier, carrier_label, name FROM logistics_easyreturnshippingcompany
 WHERE is_active AND is_user_selectable AND (channel_id = %s OR channel_id IS NULL) ORDER BY id
"""

_INCREMENT = """
INSERT INTO limits_counter AS stored (key, hits, ends_at_epoch) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
  hits = CASE WHEN stored.ends_at_epoch <= %(now)s THEN excluded.hits
              ELSE stored.hits + excluded.hits END,
  ends_at_epoch = CASE WHEN stored.ends_at_epoch <= %(now)s
                       THEN excluded.ends_at_epoch ELSE stored.ends_at_epoch END
RETURNING key, hits, ends_at_epoch{columns}
"""
COUNT_LOOK_UP = _INCREMENT.format(
    rows="(%(number)s, 1, %(now)s + 900), (%(email)s, 1, %(now)s + 3600),"
    " (%(pair)s, 1, %(now)s + 15)",
    columns=", (SELECT hits FROM limits_counter WHERE key = %(shop)s AND ends_at_epoch > %(now)s),"
    " (SELECT ends_at_epoch FROM limits_counter WHERE key = %(shop)s AND ends_at_epoch > %(now)s)",
)
COUNT_REQUEST = _INCREMENT.format(rows="(%(customer)s, 1, %(now)s + 3600)", columns="")
DECREMENT = "UPDATE limits_counter SET hits = hits - 1 WHERE hits > 0 AND key = ANY(%s)"
ADD_SESSION = """
INSERT INTO accounts_session (session_key, session_data, expire_date, user_id)
VALUES (%s, %s, %s, NULL)
"""

LOCK_ORDER = """
SELECT id FROM orders_order WHERE id IN (SELECT order_id FROM orders_orderitem WHERE id = %s)
   FOR NO KEY UPDATE
"""
ITEM_FOR_CASE = """
SELECT i.id, i.status, i.quantity, i.units_closed, i.invoice_number, i.invoice_date, i.shipped_date,
       i.delivered_date, i.attributes, o.id, o.channel_id, o.user_id, o.user_type, o.placed_at,
       o.shipping_address_id, o.billing_address_id,
       EXISTS (SELECT FROM cancellations_cancellationrequest c WHERE c.order_item_id = i.id
                  AND c.status IN ('waiting', 'waiting_approval', 'confirmed', 'approved')),
       (SELECT sum(captured_minor) FROM orders_payment t WHERE t.order_id = i.order_id
           AND t.kind IN ('funds_transfer', 'pay_on_delivery'))
  FROM orders_orderitem i JOIN orders_order o ON o.id = i.order_id
 WHERE i.id = %s
"""
REASON = """
SELECT id, cancellation_type, extra_information_needed FROM cancellations_cancellationreason
 WHERE id = %s AND is_active AND (channel_id = %s OR channel_id IS NULL)
"""
ADD_REQUEST = """
INSERT INTO cancellations_cancellationrequest
       (uuid, channel_id, order_item_id, reason_id, cancellation_type, status, quantity,
        fully_refund_as_loyalty_money, source, attributes, created_date, modified_date)
VALUES (%s, %s, %s, %s, 'cancel', 'waiting', %s, false, 'customer', '{}', %s, %s)
RETURNING id
"""
ADD_HISTORY = """
INSERT INTO cancellations_casehistory
       (cancellation_request_id, seq, event, after, actor_kind, actor_number, overridden, at)
VALUES (%s, 1, 'open', 'waiting', 'customer', %s, '[]', %s)
"""
ADD_MESSAGE = """
INSERT INTO outbox_message (topic, key, payload, created_at, due_at, attempts, last_error)
VALUES ('cancellation_request.opened', %s, %s, %s, %s, 0, '')
"""

CANCELLABLE_ITEMS = """
SELECT i.id, o.number::bigint
  FROM orders_orderitem i JOIN orders_order o ON o.id = i.order_id
 WHERE o.user_type = 'registered' AND i.status IN (400, 450) AND NOT EXISTS
       (SELECT FROM cancellations_cancellationrequest c WHERE c.order_item_id = i.id)
 ORDER BY i.id
"""
DELETE_NEW_CASES = """
CREATE TEMPORARY TABLE new_cases ON COMMIT DROP AS
SELECT cancellation_request_id AS id FROM cancellations_casehistory;
TRUNCATE cancellations_casehistory, outbox_message;
DELETE FROM cancellations_cancellationrequest WHERE id IN (SELECT id FROM new_cases);
"""
"""Loading a shop writes no history, so each case with history is new; TRUNCATE runs no trigger."""
