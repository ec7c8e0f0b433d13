-- Each answered image with what it was answered. prediction_id is made with the answer, as answer_id in the other tables
-- is, and makes writing again harmless; object_key is where the archive has the image.
create table images (
  id bigint generated always as identity primary key,
  prediction_id uuid not null unique,
  request_id uuid not null,
  received_at timestamptz not null,
  latency_ms double precision not null,
  model_version text not null,
  predicted_class smallint not null,
  confidence double precision not null,
  content_type text not null,
  size_bytes integer not null,
  width integer not null,
  height integer not null,
  object_key text not null
);
create index on images (received_at);
create index on images (request_id);
comment on table images is 'Answers of POST /images';

-- What is in an image, by whoever looked at it; the latest word counts.
create table image_labels (
  prediction_id uuid primary key,
  label smallint not null check (label between 0 and 9),
  labelled_at timestamptz not null default now()
);
create index on image_labels (labelled_at);
comment on table image_labels is 'The truth of images: PUT /images/{prediction_id}/label';

create view labelled_images as
select images.*, image_labels.label, image_labels.labelled_at, images.predicted_class = image_labels.label as correct
from images join image_labels using (prediction_id);
