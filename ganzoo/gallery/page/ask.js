// Questions to the server. Whatever goes wrong becomes an Error with one line to show.

async function answer(address, options) {
  let found;
  try {
    found = await fetch(address, options);
  } catch {
    throw new Error("The gallery does not answer. Is 'ganzoo gallery' still running?");
  }
  if (found.ok) return found;
  let said = `The gallery answered with status ${found.status}.`;
  try {
    said = (await found.json()).error || said;
  } catch { /* not JSON: the status has to do */ }
  throw new Error(said);
}

export async function askJson(path, query = {}) {
  return (await answer(`${path}?${new URLSearchParams(query)}`)).json();
}

export async function askPicture(path, query, body, type) {
  const options = { method: "POST", body, headers: { "Content-Type": type } };
  const begin = performance.now();
  const blob = await (await answer(`${path}?${new URLSearchParams(query)}`, options)).blob();
  return { blob, seconds: (performance.now() - begin) / 1000 };
}

export function pictureOf(run) {
  return `/api/picture?${new URLSearchParams({ run: run.name, at: run.picture })}`;
}
