watch('value', () => element.closest('.block').classList.remove('waiting'));
element.addEventListener('click', (event) => {
  if (event.defaultPrevented && event.target.closest('[data-act=open], [data-act=more], [data-act=less]'))
    document.querySelector('#results').classList.add('waiting');
});
element.addEventListener('keydown', (event) => {
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  const cards = [...element.querySelectorAll('.card > .open')];
  const at = cards.indexOf(document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  cards[Math.min(cards.length - 1, Math.max(0, at + step))].focus();
});
