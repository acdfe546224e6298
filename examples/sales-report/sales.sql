-- A shop's sales of 2024 and 2025, made up from hashes: the same rows every time.
--
--   psql -v rows=3000000 -f sales.sql
--
-- It makes the tables anew, and the role sales_report, which may only read them.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
\if :{?rows}
\else
    \set rows 3000000
\endif

BEGIN;

DROP TABLE IF EXISTS sale, product, region;

CREATE TABLE region (
    id   integer PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE product (
    id    integer PRIMARY KEY,
    name  text NOT NULL UNIQUE,
    price numeric(10, 2) NOT NULL
);

CREATE TABLE sale (
    id          bigint PRIMARY KEY,
    sold_at     timestamptz NOT NULL,
    region_id   integer NOT NULL REFERENCES region,
    product_id  integer NOT NULL REFERENCES product,
    customer_id integer NOT NULL,
    quantity    integer NOT NULL,
    price       numeric(10, 2) NOT NULL
);

INSERT INTO region
VALUES (1, 'Europe'), (2, 'Asia'), (3, 'Americas'), (4, 'Africa'), (5, 'Oceania');

INSERT INTO product
SELECT id, 'Product ' || to_char(id, 'FM00'), (500 + id * 7919 % 20000) / 100.0
FROM generate_series(1, 40) AS id;

-- Evenly through both years; some regions and customers buy more than others. u, v, w and x
-- look random, and are under 65536.
INSERT INTO sale
SELECT
    n,
    timestamptz '2024-01-01 00:00+00' + (n - 1) * (interval '731 days' / :rows),
    1 + (5 * u * u >> 32),
    product.id,
    1 + (50000 * v * v >> 32),
    1 + w % 4,
    round(product.price * (100 - w % 31) / 100, 2)
FROM generate_series(1, :rows::bigint) AS n
CROSS JOIN LATERAL (
    VALUES (
        hashint8extended(n, 1) & 65535, hashint8extended(n, 2) & 65535,
        hashint8extended(n, 3) & 65535, hashint8extended(n, 4) & 65535
    )
) AS made (u, v, w, x)
JOIN product ON product.id = 1 + x % 40;

SELECT 'CREATE ROLE sales_report LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sales_report') \gexec
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT SELECT ON region, product, sale TO sales_report;

COMMIT;

VACUUM ANALYZE region, product, sale;
