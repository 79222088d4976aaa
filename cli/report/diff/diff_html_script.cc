// The script of the page: it makes the table of tensors from the data, a page at a time, and lets
// keys walk the map. Text from files gets into the page by textContent only.
#include "cli/report/diff/diff_html_parts.h"

namespace hallmark {

const std::string_view kDiffHtmlScript = R"js(
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const SVG = 'http://www.w3.org/2000/svg';
  const STATES = {
    different: 'different', 'only-a': 'only in A', 'only-b': 'only in B',
    unknown: 'not compared', related: 'equal after relations', equal: 'equal',
  };
  const stateOrder = Object.keys(STATES);

  // ---- The data: one object a tensor.
  const data = JSON.parse(byId('data').textContent);
  const numeric = new Set(['values', 'differing', 'max_abs', 'max_relative', 'rms', 'cosine',
                           'relative_norm', 'sign_flips', 'not_finite']);
  const rows = data.rows.map((cells, index) => {
    const row = {index};
    data.columns.forEach((column, i) => {
      const cell = cells[i];
      // Infinity stands as text in JSON.
      row[column] = numeric.has(column) && typeof cell === 'string' ? Number(cell) : cell;
    });
    row.share = row.values ? row.differing / row.values : null;
    row.found_by = [row.name, row.relations.join(' '), row.dtype_a, row.dtype_b, row.more.name_b,
                    row.more.stored_a, row.more.stored_b, row.more.reason]
                       .filter(Boolean).join('\n').toLowerCase();
    return row;
  });
  data.rows = null;

  // ---- How numbers are written.
  const count = (n) => n.toLocaleString('en-US');
  const number = (x) => {
    if (Number.isNaN(x)) return 'NaN';
    if (!Number.isFinite(x)) return x > 0 ? 'infinite' : '-infinite';
    if (x === 0) return '0';
    const size = Math.abs(x);
    if (size < 1e-3 || size >= 99999.5) return x.toExponential(2).replace('e+', 'e');
    return size >= 100 ? x.toFixed(0) : String(Number(x.toPrecision(3)));
  };
  const cosine = (x) => {
    const rest = 1 - x;
    return rest > 0 && rest < 1e-3 ? '1 - ' + number(rest) : number(x);
  };
  const share = (x) => {
    if (x === 0) return '0%';
    if (x === 1) return '100%';
    if (x < 1e-5) return 'under 0.001%';
    if (x > 0.999) return 'over 99.9%';
    return Number((100 * x).toPrecision(3)) + '%';
  };

  // ---- Making elements.
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const both = (a, b) => (a === null ? b : b === null || a === b ? a : a + ' \u2192 ' + b);
  const cell = (row, key) => {
    const value = row[key];
    const isNumber = numeric.has(key) || key === 'share';
    const td = make('td', isNumber ? 'number' : '');
    if (key === 'state') {
      td.append(make('span', 'st st-' + value, STATES[value]));
    } else if (key === 'relations') {
      td.textContent = value.join('; ');
    } else if (key === 'shape_a') {
      td.textContent = both(row.shape_a, row.shape_b);
    } else if (key === 'dtype_a') {
      td.textContent = both(row.dtype_a, row.dtype_b);
    } else if (value === null) {
      td.append(make('span', 'none', '-'));
    } else if (key === 'share') {
      td.textContent = share(value);
    } else if (key === 'cosine') {
      td.textContent = cosine(value);
    } else if (key === 'relative_norm') {
      if (row.heat !== null) td.append(make('span', 'swatch h' + row.heat));
      td.append(number(value));
    } else if (key === 'differing' || key === 'sign_flips' || key === 'not_finite') {
      td.textContent = count(value);
    } else {
      td.textContent = number(value);
    }
    return td;
  };

  const heads = [...document.querySelectorAll('.tensors thead button')];
  const keys = heads.map((button) => button.dataset.key);

  // Counts of distances in steps, on a scale of decades.
  const stepsDrawing = (bins, unit) => {
    const all = bins.reduce((sum, n) => sum + n, 0);
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('width', String(bins.length * 14));
    svg.setAttribute('height', '60');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', 'Histogram of ' + count(all) + ' values by steps of ' + unit);
    const most = Math.log10(Math.max(...bins) + 1);
    bins.forEach((n, i) => {
      if (n === 0) return;
      const height = Math.max(2, Math.log10(n + 1) / most * 58);
      const bar = document.createElementNS(SVG, 'rect');
      const attributes = {
        x: i * 14, y: 59 - height, width: 12, height, class: i ? 'bar' : 'bar none',
      };
      for (const [name, value] of Object.entries(attributes)) bar.setAttribute(name, String(value));
      const title = document.createElementNS(SVG, 'title');
      const steps = i === 0 ? 'equal' : i === 1 ? '1 step'
          : count(2 ** (i - 1)) + ' to ' + count(2 ** i - 1) + ' steps';
      title.textContent = steps + ': ' + count(n);
      bar.append(title);
      svg.append(bar);
    });
    return svg;
  };

  const details = (row) => {
    const more = row.more;
    const list = make('dl');
    const add = (term, description) => {
      if (description === undefined || description === null || description === '') return;
      const dd = make('dd');
      dd.append(description);
      list.append(make('dt', '', term), dd);
    };
    const code = (text) => (text === undefined ? text : make('code', '', text));
    add('layer', code(row.group));
    add('name in B', code(more.name_b));
    add('stored in A as', code(more.stored_a));
    add('stored in B as', code(more.stored_b));
    add('why', more.reason);
    if (row.values !== null) add('values compared', count(row.values));
    if (more.first !== undefined) {
      add('differing values', 'from number ' + count(more.first) + ' to ' + count(more.last));
      add('largest difference', 'at number ' + count(more.max_abs_at));
      add('largest relative difference', 'at number ' + count(more.max_relative_at));
    }
    const inBoth = (a, b) => count(a) + ' in A, ' + count(b) + ' in B';
    if (more.zeros_a !== undefined) add('zeros', inBoth(more.zeros_a, more.zeros_b));
    if (more.nan_a !== undefined) {
      add('NaN', inBoth(more.nan_a, more.nan_b));
      add('infinite', inBoth(more.infinite_a, more.infinite_b));
    }
    if (more.rounding) {
      add('as a rounding to ' + more.rounding.type,
          count(more.rounding.within) + ' of ' + count(more.rounding.blocks) +
          ' blocks could be honest, worst ' + number(Number(more.rounding.worst_steps)) + ' steps');
    }
    if (more.ulps) add('steps of ' + more.ulp_unit, stepsDrawing(more.ulps, more.ulp_unit));
    return list;
  };

  const tableRow = (row) => {
    const tr = make('tr');
    tr.id = 't' + row.index;
    tr.tabIndex = -1;
    const name = make('th');
    name.scope = 'row';
    const open = make('button', 'open');
    open.type = 'button';
    open.setAttribute('aria-expanded', 'false');
    open.setAttribute('aria-label', 'details of ' + row.name.slice(0, 200));
    open.addEventListener('click', () => {
      const shown = open.getAttribute('aria-expanded') === 'true';
      open.setAttribute('aria-expanded', String(!shown));
      if (shown) {
        tr.nextElementSibling.remove();
        return;
      }
      const more = make('tr', 'more');
      const td = make('td');
      td.colSpan = keys.length;
      td.append(details(row));
      more.append(td);
      tr.after(more);
    });
    const line = make('div');
    line.append(open, make('code', '', row.name));
    name.append(line);
    tr.append(name, ...keys.slice(1).map((key) => cell(row, key)));
    return tr;
  };

  // ---- What is shown: filter, order, page.
  const text = byId('text'), state = byId('state'), group = byId('group'), size = byId('size');
  const body = byId('rows');
  let order = {key: null, down: false};
  let shown = rows;
  let page = 0;

  const collator = new Intl.Collator('en', {numeric: true});
  const valueOf = (row, key) => {
    if (key === 'relations') return row.relations.join('; ') || null;
    if (key === 'shape_a') return both(row.shape_a, row.shape_b);
    if (key === 'dtype_a') return both(row.dtype_a, row.dtype_b);
    if (key === 'state') return stateOrder.indexOf(row.state);
    return row[key];
  };
  const compare = (a, b) => {
    const x = a.value, y = b.value;
    // What has no value, or none that can be compared, stays last either way.
    const rank = (v) => (v === null ? 2 : Number.isNaN(v) ? 1 : 0);
    if (rank(x) || rank(y)) return rank(x) - rank(y) || a.row.index - b.row.index;
    const sign = typeof x === 'string' ? collator.compare(x, y) : x < y ? -1 : x > y ? 1 : 0;
    return (order.down ? -sign : sign) || a.row.index - b.row.index;
  };

  const render = () => {
    const perPage = Number(size.value);
    const pages = Math.max(1, Math.ceil(shown.length / perPage));
    page = Math.min(Math.max(page, 0), pages - 1);
    const first = page * perPage;
    const visible = shown.slice(first, first + perPage);
    body.replaceChildren(...visible.map(tableRow));
    const sorted = order.key === null ? 'in the order of the model'
        : 'sorted by ' + heads[keys.indexOf(order.key)].textContent +
          (order.down ? ', descending' : ', ascending');
    const range = visible.length === 0 ? 'No rows'
        : 'Rows ' + count(first + 1) + ' to ' + count(first + visible.length) +
          ' of ' + count(shown.length);
    const without = rows.length - shown.length;
    const filtered = without === 0 ? 'nothing filtered out'
        : count(without) + ' of ' + count(rows.length) + ' filtered out';
    byId('shown').textContent = [range, filtered, sorted].join(', ');
    byId('page').textContent = 'Page ' + count(page + 1) + ' of ' + count(pages);
    for (const button of document.querySelectorAll('.pages button')) {
      const back = button.dataset.page === 'first' || button.dataset.page === 'previous';
      button.setAttribute('aria-disabled', String(back ? page === 0 : page === pages - 1));
    }
  };

  const update = () => {
    const wanted = text.value.trim().toLowerCase();
    shown = rows.filter((row) => (!state.value || row.state === state.value) &&
                                 (!group.value || row.group === groups[Number(group.value)]) &&
                                 (!wanted || row.found_by.includes(wanted)));
    if (order.key !== null) {
      shown = shown.map((row) => ({row, value: valueOf(row, order.key)})).sort(compare)
          .map((keyed) => keyed.row);
    }
    page = 0;
    render();
  };

  const sortBy = (key, down) => {
    order = {key, down};
    heads.forEach((button, i) => {
      const th = button.parentElement;
      if (keys[i] === key) th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
    });
    update();
  };

  heads.forEach((button, i) => button.addEventListener('click', () => {
    // Of numbers, the largest are what one looks for.
    const first = numeric.has(keys[i]) || keys[i] === 'share';
    sortBy(keys[i], order.key === keys[i] ? !order.down : first);
  }));

  // ---- Controls.
  const groups = [...new Set(rows.map((row) => row.group))];
  groups.forEach((key, i) => {
    const option = make('option', '', key);
    option.value = String(i);
    group.append(option);
  });
  text.addEventListener('input', update);
  for (const select of [state, group]) select.addEventListener('change', update);
  size.addEventListener('change', () => { page = 0; render(); });
  byId('filter').addEventListener('submit', (event) => event.preventDefault());
  byId('filter').addEventListener('reset', () => setTimeout(() => sortBy(null, false)));
  document.querySelector('.pages').addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button || button.getAttribute('aria-disabled') === 'true') return;
    const to = {first: 0, previous: page - 1, next: page + 1, last: Infinity};
    page = to[button.dataset.page];
    render();
  });

  // ---- From elsewhere in the page to a row.
  const reveal = (index) => {
    const row = rows[index];
    if (!row) return;
    if (!shown.includes(row)) {
      text.value = state.value = group.value = '';
      update();
    }
    page = Math.floor(shown.indexOf(row) / Number(size.value));
    render();
    const tr = byId('t' + index);
    tr.classList.add('found');
    tr.focus({preventScroll: true});
    tr.scrollIntoView({block: 'center'});
  };
  const followHash = () => {
    const target = /^#t(\d+)$/.exec(location.hash);
    if (target) reveal(Number(target[1]));
  };

  // A layer's name leads to its tensors.
  for (const th of document.querySelectorAll('th[data-group]')) {
    const at = groups.indexOf(th.dataset.group);
    if (at < 0) continue;
    const link = make('a');
    link.href = '#tensors';
    link.append(...th.childNodes);
    link.addEventListener('click', () => {
      text.value = state.value = '';
      group.value = String(at);
      update();
    });
    th.append(link);
  }

  // ---- The map: one stop for Tab a panel, arrow keys inside.
  const readout = byId('readout');
  for (const svg of document.querySelectorAll('.cells')) {
    const first = svg.querySelector('a');
    if (!first) continue;
    let current = first;
    first.setAttribute('tabindex', '0');
    const goTo = (link) => {
      if (!link) return;
      current.setAttribute('tabindex', '-1');
      current = link;
      link.setAttribute('tabindex', '0');
      link.focus();
    };
    const inRow = (line, column) => {
      let best = null;
      for (const link of line.children) {
        const distance = Math.abs(Number(link.dataset.c) - column);
        if (!best || distance < best.distance) best = {link, distance};
      }
      return best && best.link;
    };
    svg.addEventListener('keydown', (event) => {
      const link = event.target.closest('a');
      if (!link) return;
      const line = link.parentElement;
      const column = Number(link.dataset.c);
      const above = line.previousElementSibling, below = line.nextElementSibling;
      const moves = {
        ArrowLeft: () => link.previousElementSibling,
        ArrowRight: () => link.nextElementSibling,
        ArrowUp: () => above && above.classList.contains('row') && inRow(above, column),
        ArrowDown: () => below && inRow(below, column),
        Home: () => line.firstElementChild,
        End: () => line.lastElementChild,
      };
      if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      goTo(moves[event.key]());
    });
    const tell = (event) => {
      const link = event.target.closest('a');
      if (link) readout.textContent = link.querySelector('title').textContent;
    };
    svg.addEventListener('mouseover', tell);
    svg.addEventListener('focusin', tell);
    svg.addEventListener('click', (event) => {
      const link = event.target.closest('a');
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const hash = link.getAttribute('href');
      if (location.hash === hash) followHash();
      else location.hash = hash;
    });
  }

  byId('table').hidden = false;
  update();
  window.addEventListener('hashchange', followHash);
  followHash();
})();
)js";

}  // namespace hallmark
