// A result or an input, from the service to a file.
import { Away } from "./session.js";
import { size } from "./words.js";

const TYPES = {
  csv: "text/csv",
  json: "application/json",
  parquet: "application/vnd.apache.parquet",
};
// from here on the rows go straight to the file, in browsers that know how to
const LARGE_ROWS = 100000;

// Saves `what` of a task; `tell` hears how far it is. Gives false if no file was picked.
export async function download(session, task, what, format, partial, tell) {
  const name = `${task.model}-${task.id}-${what}.${format}`;
  let picked = null;
  if (task.rows_total >= LARGE_ROWS && window.showSaveFilePicker) {
    try {
      picked = await window.showSaveFilePicker({ suggestedName: name });
    } catch (error) {
      if (error.name === "AbortError") return false;
      throw error;
    }
  }
  const path = `../tasks/${task.id}/${what}${partial ? "?partial=true" : ""}`;
  const response = await session.ask(path, { headers: { Accept: TYPES[format] } });
  const body = response.body.pipeThrough(counted(tell));
  try {
    if (picked) await body.pipeTo(await picked.createWritable());
    else offer(await new Response(body).blob(), name);
  } catch (error) {
    if (error instanceof TypeError) throw new Away("The service broke off: the file is not there. Try again.");
    throw error;
  }
  return true;
}

function counted(tell) {
  let bytes = 0;
  return new TransformStream({
    transform(piece, onward) {
      bytes += piece.byteLength;
      tell(size(bytes));
      onward.enqueue(piece);
    },
  });
}

function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
