import { lexicon } from '../../words/prompt.ts';

/** How an ingredient looks on the plate and in the list. */
export type Form = 'leaf' | 'round' | 'slice' | 'stick' | 'drop' | 'grain' | 'root' | 'star' | 'cube' | 'egg' | 'swirl';
export type Ingredient = { name: string; form: Form; hex: string };

const rows: readonly (readonly [Form, string, string])[] = [
  ['leaf', '#4f8f4a', 'basil mint coriander parsley spinach sage bay_leaf'],
  ['leaf', '#7fae4e', 'thyme dill fennel leek chives kale'],
  ['round', '#c9432f', 'tomato cherry radish pomegranate cranberry'],
  ['round', '#5f8f3a', 'pea olive caper lentil'],
  ['round', '#5b4a8a', 'blueberry plum fig grape'],
  ['slice', '#f2c14e', 'lemon lime_peel orange lime grapefruit'],
  ['slice', '#f4efe0', 'onion apple pear turnip'],
  ['slice', '#e08a3c', 'carrot apricot peach persimmon'],
  ['stick', '#a8642f', 'cinnamon vanilla noodle noodles pasta'],
  ['stick', '#d9b26f', 'ginger parsnip lemongrass asparagus'],
  ['drop', '#e0a030', 'honey oil butter ghee burnt_sugar caramel syrup'],
  ['drop', '#f7f2e6', 'cream yoghurt yogurt milk coconut'],
  ['grain', '#f0e4c8', 'rice sesame barley oats salt sugar flour'],
  ['grain', '#3a2f2a', 'pepper cumin mustard_seed poppy_seed black_sesame'],
  ['grain', '#d98a2b', 'turmeric saffron paprika curry_powder lentils'],
  ['root', '#e9dfcd', 'garlic potato beet mushroom mushrooms'],
  ['star', '#8a4b2a', 'star_anise clove nutmeg cardamom'],
  ['cube', '#f4ead0', 'tofu paneer feta cheese bread croutons'],
  ['cube', '#c9783f', 'pumpkin squash sweet_potato mango'],
  ['egg', '#f7f2e6', 'egg eggs'],
  ['swirl', '#c9332f', 'chili chilli pepper_flakes harissa'],
];
export const larder: ReadonlyMap<string, Ingredient> = new Map(
  rows.flatMap(([form, hex, names]) =>
    names.split(' ').map((joined): [string, Ingredient] => {
      const name = joined.replaceAll('_', ' ');
      return [name, { name, form, hex }];
    }),
  ),
);

export type Dish =
  | 'soup'
  | 'noodles'
  | 'curry'
  | 'dumplings'
  | 'pie'
  | 'salad'
  | 'eggs'
  | 'rice'
  | 'tea'
  | 'cake'
  | 'toast'
  | 'pancakes';
export const dishes = lexicon<Dish>({
  soup: 'soup broth stew chowder dal ramen borscht ladle',
  noodles: 'noodle noodles pasta spaghetti udon',
  curry: 'curry masala tagine sauce',
  dumplings: 'dumpling dumplings momo gyoza ravioli pierogi',
  pie: 'pie tart quiche pizza galette',
  salad: 'salad greens slaw herbs',
  eggs: 'egg eggs omelette shakshuka breakfast',
  rice: 'rice risotto pilaf biryani porridge',
  tea: 'tea coffee chai cocoa',
  cake: 'cake sugar burnt_sugar sweet dessert flan pudding bun',
  toast: 'toast bread sandwich crumbs loaf',
  pancakes: 'pancake pancakes crepe waffle dosa',
});
/** What it lies in, what it is, and what is in it when nobody says. */
export const recipes: Readonly<
  Record<
    Dish,
    {
      vessel: 'bowl' | 'plate' | 'pan' | 'cup' | 'board';
      fills: readonly string[];
      usual: readonly string[];
      steam: boolean;
    }
  >
> = {
  soup: {
    vessel: 'bowl',
    fills: ['#d9772e', '#c9a03f', '#a83f2f', '#6f8f4a', '#e0c080'],
    usual: ['carrot', 'leek', 'cream', 'thyme', 'pepper', 'croutons', 'lentil'],
    steam: true,
  },
  noodles: {
    vessel: 'bowl',
    fills: ['#c98a3f', '#a8602f', '#d9b070'],
    usual: ['sesame', 'egg', 'chives', 'mushroom', 'ginger', 'chili'],
    steam: true,
  },
  curry: {
    vessel: 'pan',
    fills: ['#d98a2b', '#b9582f', '#7f8f3a'],
    usual: ['turmeric', 'coconut', 'coriander', 'lime', 'chili', 'tofu', 'pea'],
    steam: true,
  },
  dumplings: {
    vessel: 'plate',
    fills: ['#f0e2c4'],
    usual: ['ginger', 'chives', 'sesame', 'chili', 'garlic'],
    steam: true,
  },
  pie: {
    vessel: 'plate',
    fills: ['#d9a05a', '#c98a4a'],
    usual: ['apple', 'cinnamon', 'butter', 'plum', 'sugar', 'nutmeg'],
    steam: true,
  },
  salad: {
    vessel: 'bowl',
    fills: ['#8fb05a', '#6f9a4a'],
    usual: ['radish', 'feta', 'olive', 'mint', 'lemon', 'fennel', 'tomato'],
    steam: false,
  },
  eggs: {
    vessel: 'pan',
    fills: ['#b9442f', '#d9a03f'],
    usual: ['egg', 'tomato', 'parsley', 'paprika', 'onion', 'pepper'],
    steam: true,
  },
  rice: {
    vessel: 'bowl',
    fills: ['#f2e8d0', '#e8c060'],
    usual: ['saffron', 'pea', 'cardamom', 'cinnamon', 'parsley', 'apricot'],
    steam: true,
  },
  tea: {
    vessel: 'cup',
    fills: ['#b5602a', '#8a5a3a', '#a8903a'],
    usual: ['cardamom', 'ginger', 'honey', 'clove', 'mint', 'lemon'],
    steam: true,
  },
  cake: {
    vessel: 'plate',
    fills: ['#e0b070', '#8a5030', '#f0d0b0'],
    usual: ['burnt sugar', 'vanilla', 'cream', 'cherry', 'orange', 'salt'],
    steam: false,
  },
  toast: {
    vessel: 'board',
    fills: ['#d9a560', '#c98f4a'],
    usual: ['butter', 'honey', 'fig', 'cheese', 'sage', 'salt'],
    steam: false,
  },
  pancakes: {
    vessel: 'plate',
    fills: ['#e0a850', '#d0903f'],
    usual: ['syrup', 'blueberry', 'butter', 'lemon', 'sugar', 'cinnamon'],
    steam: true,
  },
};
export const notes = [
  'Serves whoever is near',
  'Stir when it asks',
  'Better on the second day',
  'Taste, wait, taste again',
  'Low flame, long song',
  'Keep one spoon aside',
  'Eat before it is photographed',
  'Good with rain outside',
];
export const titles: Readonly<Record<Dish, readonly string[]>> = {
  soup: ['Tuesday Soup', 'Window Soup', 'Slow Broth'],
  noodles: ['Late Noodles', 'Brass Pan Noodles', 'Knot Noodles'],
  curry: ['Amber Curry', 'Market Curry', 'Monsoon Curry'],
  dumplings: ['Folded Dumplings', 'Sunday Dumplings', 'Pocket Dumplings'],
  pie: ['Lattice Pie', 'Orchard Pie', 'Windowsill Pie'],
  salad: ['Garden Salad', 'Cold Noon Salad', 'Crisp Salad'],
  eggs: ['Morning Eggs', 'Red Pan Eggs', 'Slow Eggs'],
  rice: ['Golden Rice', 'Steam Study Rice', 'Cardamom Rice'],
  tea: ['Four o’clock Tea', 'Rain Tea', 'Brass Cup Tea'],
  cake: ['Burnt Sugar Cake', 'Crumb Cake', 'Quiet Cake'],
  toast: ['Honest Toast', 'Fig Toast', 'Last Slice'],
  pancakes: ['Stacked Pancakes', 'Thin Pancakes', 'Rainy Pancakes'],
};
