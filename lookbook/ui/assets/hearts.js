element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-act=like], #feed [data-act=less]');
  if (!pressed) return;
  const on = pressed.dataset.act === 'like' && pressed.getAttribute('aria-pressed') !== 'true';
  document.querySelectorAll('[data-act=like]').forEach((heart) => {
    if (heart.dataset.id === pressed.dataset.id) heart.setAttribute('aria-pressed', on);
  });
});
