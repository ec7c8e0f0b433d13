-- The row stays locked to the end of the transaction: of two labels for one image the second waits for the first.
insert into image_labels (prediction_id, label) values (%(prediction_id)s, %(label)s)
on conflict (prediction_id) do update
set label = excluded.label,
  labelled_at = case when image_labels.label = excluded.label then image_labels.labelled_at else now() end
