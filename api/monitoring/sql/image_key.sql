select object_key from images where prediction_id = %s
