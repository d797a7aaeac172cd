element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-act=like], #feed [data-act=less]');
  if (!pressed) return;
  const on = pressed.dataset.act === 'like' && pressed.getAttribute('aria-pressed') !== 'true';
  document.querySelectorAll('[data-act=like]').forEach((button) => {
    if (button.dataset.id === pressed.dataset.id) button.setAttribute('aria-pressed', on);
  });
});
