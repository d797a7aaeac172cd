// one after the other: an upload that takes longer must not replace a newer one
let last = Promise.resolve();
const send = (event, make) => {
  last = last.then(async () => {
    document.querySelectorAll('#results').forEach((e) => e.classList.add('waiting'));
    try { props.value = {...await make(), at: Date.now()}; }
    catch (error) { props.value = {error: String(error?.message ?? error), at: Date.now()}; }
    trigger(event);
  });
};
const showFind = () => {
  const tab = document.querySelector('#pages button[role=tab]');
  if (tab && tab.getAttribute('aria-selected') !== 'true') tab.click();
};
const sendFile = (file) => { showFind(); send('photo', async () => ({path: (await upload(file)).path})); };
const sendAddress = (address) => { showFind(); send('address', async () => ({address})); };
const pictureOf = (data) => [...data.files].find((file) => file.type.startsWith('image/'));
const addressOf = (data) => {
  const text = (data.getData('text/uri-list') || data.getData('text/plain')).trim().split('\n')[0];
  return /^https?:\/\/\S+$/.test(text) ? text : null;
};
const typing = (target) => target.closest?.('input:not([type=file]), textarea, [contenteditable]');

element.addEventListener('change', (event) => {
  const [file] = event.target.files;
  if (file) sendFile(file);
  event.target.value = '';  // the same photo may be taken again
});
document.addEventListener('paste', (event) => {
  const data = event.clipboardData, file = pictureOf(data);
  const address = file ? null : addressOf(data);
  const inBox = event.target.closest?.('#name') && address
    && element.querySelector('.photo-buttons').dataset.fetches === 'true';
  if (typing(event.target) && data.types.includes('text/plain') && !inBox) return;
  if (!file && !address) return;
  event.preventDefault();
  if (file) sendFile(file);
  else sendAddress(address);
});
let ownDrag = false;  // a card that is dragged within the page is no picture to search with
document.addEventListener('dragstart', () => { ownDrag = true; });
document.addEventListener('dragend', () => { ownDrag = false; });
const carries = (event) => !ownDrag && !typing(event.target)
  && ['Files', 'text/uri-list'].some((type) => event.dataTransfer?.types.includes(type));
const mark = (on) => document.querySelector('#pages').classList.toggle('dropping', on);
document.addEventListener('dragover', (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  mark(true);
});
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) mark(false); });
document.addEventListener('drop', (event) => {
  mark(false);
  if (!carries(event) || event.defaultPrevented) return;  // the upload field takes its own
  event.preventDefault();
  const file = pictureOf(event.dataTransfer), address = file ? null : addressOf(event.dataTransfer);
  if (file) sendFile(file);
  else if (address) sendAddress(address);
});
