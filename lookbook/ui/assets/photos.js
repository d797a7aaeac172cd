const percent = (event, pic) => {
  const box = pic.getBoundingClientRect();
  const share = (v, from, size) => Math.min(100, Math.max(0, 100 * (v - from) / size));
  return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
};
const put = (frame, b) => Object.assign(frame.style, {left: b[0] + '%', top: b[1] + '%',
  width: (b[2] - b[0]) + '%', height: (b[3] - b[1]) + '%'});
const ask = (pic, b) => trigger('frame', {i: pic.dataset.i, box: b});
let drag = null;
element.addEventListener('pointerdown', (event) => {
  const pic = event.target.closest('.pic');
  if (!pic || event.button) return;
  event.preventDefault();
  drag = {pic, from: percent(event, pic), box: null};
  pic.setPointerCapture(event.pointerId);
});
element.addEventListener('pointermove', (event) => {
  if (!drag) return;
  const [x, y] = percent(event, drag.pic), [x0, y0] = drag.from;
  drag.box = [Math.min(x, x0), Math.min(y, y0), Math.max(x, x0), Math.max(y, y0)];
  const frame = drag.pic.querySelector('.frame');
  frame.hidden = false;
  put(frame, drag.box);
});
const restore = (frame) => {  // too small to mean anything: what is searched has not changed
  const box = JSON.parse(frame.dataset.box);
  put(frame, box);
  frame.hidden = box.join() === '0,0,100,100';
};
const drop = (meant) => {
  const done = drag; drag = null;
  if (!done) return;
  const b = done.box;
  if (meant && b && b[2] - b[0] > 5 && b[3] - b[1] > 5) ask(done.pic, b);
  else restore(done.pic.querySelector('.frame'));
};
element.addEventListener('pointerup', () => drop(true));
element.addEventListener('pointercancel', () => drop(false));
let settle = null;
element.addEventListener('keydown', (event) => {
  const frame = event.target.closest('.frame');
  const move = {ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4],
                ArrowDown: [0, 4]}[event.key];
  if (!frame || !move) return;
  event.preventDefault();
  const pic = frame.closest('.pic');
  let b = JSON.parse(frame.dataset.box);
  const at = event.shiftKey ? [0, 0, move[0], move[1]] : [...move, ...move];
  b = b.map((v, i) => Math.min(100, Math.max(0, v + at[i])));
  if (b[2] - b[0] < 8 || b[3] - b[1] < 8) return;
  frame.dataset.box = JSON.stringify(b);
  put(frame, b);
  clearTimeout(settle);
  settle = setTimeout(() => ask(pic, b), 500);
});
