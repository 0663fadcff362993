// Questions to the server.

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, options) {
  const answer = await fetch(`api/${path}`, options);
  const text = await answer.text();
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(text.slice(0, 200) || `it answers ${answer.status}`);
  }
  if (!answer.ok) throw new Error(value.error ?? `it answers ${answer.status}`);
  return value;
}
